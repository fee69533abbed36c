/* SPDX-License-Identifier: BSD-3-Clause */
/* How report's page looks: on a screen, light or dark as its reader has it, and on paper. */
#ifndef VIFD_VIFCTL_REPORT_STYLE_H
#define VIFD_VIFCTL_REPORT_STYLE_H

/* Lines differ in colour, for any eye, and in dashes, for a printer without colours. */
static const char report_style[] =
	":root { color-scheme: light; --ink: #1c2430; --soft: #5a6675; --grid: #dfe3e8; "
	"--page: #fff;\n"
	"  --band: #f5f7f9; --0: #0072b2; --1: #d55e00; --2: #009e73; --3: #b8578f; --4: #a87900; "
	"--5: #3a8fc4;\n  --6: #7a5c3a; --7: #707070; --vf: #009e73; --software: #e69f00; "
	"--none: #c9cfd6; --drop: #c63d2f }\n"
	"@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; "
	"--ink: #e4e8ee; "
	"--soft: #a2adba;\n  --grid: #333c47; --page: #161b22; --band: #1e252e; --0: #58a6e0; "
	"--1: #ff8a3d; --2: #2fc796; --3: #e08fbf;\n  --4: #e3b341; --5: #8fd0ff; --6: #c9a273; "
	"--7: #b0b0b0; --none: #49535f; --drop: #f0695a } }\n"
	"body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);\n"
	"  margin: 2rem auto; max-width: 70rem; padding: 0 1.5rem }\n"
	"h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }\n"
	"p, li { color: var(--soft) }\n"
	".wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; "
	"font-variant-numeric: tabular-nums }\n"
	"td, th { padding: .35rem .7rem; text-align: left; border-bottom: 1px solid var(--grid); "
	"white-space: nowrap }\n"
	"th { color: var(--soft); font-weight: 600 } tr:nth-child(even) { background: "
	"var(--band) }\n"
	".number { text-align: right } .bad { color: var(--drop); font-weight: 600 }\n"
	".plot { display: block; width: 100%; height: auto } .plot text { font: 13px system-ui, "
	"sans-serif; fill: var(--soft) }\n"
	".plot .left { text-anchor: end } .plot .axis { text-anchor: middle }\n"
	".grid { stroke: var(--grid) } .tick { stroke: var(--soft) }\n"
	".legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; "
	"padding: 0; "
	"margin: .4rem 0 }\n"
	".key { width: 30px; height: 10px } polyline, .key line { fill: none; stroke-width: 2; "
	"stroke-linejoin: round }\n"
	".s0 { stroke: var(--0) } .s1 { stroke: var(--1); stroke-dasharray: 8 3 }\n"
	".s2 { stroke: var(--2); stroke-dasharray: 3 3 } .s3 { stroke: var(--3); "
	"stroke-dasharray: 12 3 3 3 }\n"
	".s4 { stroke: var(--4) } .s5 { stroke: var(--5); stroke-dasharray: 8 3 }\n"
	".s6 { stroke: var(--6); stroke-dasharray: 3 3 } .s7 { stroke: var(--7); "
	"stroke-dasharray: 12 3 3 3 }\n"
	".vf { fill: var(--vf) } .software { fill: var(--software) } .kernel { fill: var(--0) } "
	".none { fill: var(--none) } "
	".drop { fill: var(--drop) }\n"
	"@media print { @page { size: A4; margin: 15mm } body { margin: 0; max-width: "
	"none; padding: 0; "
	"font-size: 11px;\n  print-color-adjust: exact; -webkit-print-color-adjust: exact } "
	"section { break-inside: avoid } }\n";

#endif
