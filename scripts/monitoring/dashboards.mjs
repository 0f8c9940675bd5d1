// Checks dashboards against Grafana's own types, and parses their expressions. Usage: node dashboards.mjs < a JSON object, with `dashboards`
// by file name and `expressions`, pairs of a place and a PromQL expression without variables. Prints what is wrong.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { parser } from "@prometheus-io/lezer-promql";
import ts from "typescript";

// The oldest Grafana that the dashboards are for, and a new one: options come and go. The older one must have the name that the types of panels import.
const SCHEMAS = { "Grafana 11.0": "@grafana/schema", "Grafana 13.2": "newest-schema" };
// The kinds of panels, by the name of their file in the schema, and whether their fields have settings of their own.
const KINDS = {
  "bargauge": ["BarGauge", false], "gauge": ["Gauge", false], "stat": ["Stat", false],
  "state-timeline": ["StateTimeline", true], "table": ["Table", true], "timeseries": ["TimeSeries", true],
};

const types = (schema) => `
import type { Dashboard, DataQuery, FieldConfig, MatcherConfig, Panel, RowPanel } from "${schema}";
${Object.values(KINDS).map(([kind]) => `import type * as ${kind} from "${schema}/dist/esm/raw/composable/${kind.toLowerCase()}/panelcfg/x/${kind}PanelCfg_types.gen";`).join("\n")}
// JSON has the value of an enum, not its name.
type Written<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Written<T[K]> } : T;
// The types of options are as after Grafana has filled in what a file leaves out.
type Part<T> = T extends object ? { [K in keyof T]?: Part<T[K]> } : T;
type Override<T, Prefix extends string> = { [K in keyof T & string]-?: { id: \`\${Prefix}\${K}\`; value: T[K] } }[keyof T & string];
type Fields<Custom> = Omit<Written<FieldConfig>, "custom"> & { custom?: Part<Written<Custom>> };
type Of<Options, Custom> = Omit<Written<Panel>, "options" | "fieldConfig" | "targets"> & {
  options: Part<Written<Options>>;
  fieldConfig: { defaults: Fields<Custom>; overrides: { matcher: Written<MatcherConfig>; properties: (Override<Fields<Custom>, ""> | Override<Written<Custom>, "custom.">)[] }[] };
  targets: Query[];
};
// The schema leaves queries to the data sources; this much of Prometheus's is in use.
type Query = Pick<Written<DataQuery>, "refId"> & {
  datasource: Panel["datasource"]; expr: string; legendFormat: string; range: boolean; instant: boolean;
  editorMode: "code" | "builder"; format: "time_series" | "table" | "heatmap";
};
type Top = Omit<Written<Dashboard>, "panels">;
type Row = Written<RowPanel>;
// A type that cannot be found would let everything pass.
// @ts-expect-error
const misspelt: Part<Written<TimeSeries.Options>> = { legend: { plcement: "bottom" } };
`;

function typeOf(panel) {
  const [kind, hasFields] = KINDS[panel.type] ?? [];
  return panel.type === "row" ? "Row" : kind && `Of<${kind}.Options, ${hasFields ? `${kind}.FieldConfig` : "never"}>`;
}

// The names that lead to a place in an object, as in options.legend.
function path(file, place) {
  const names = [];
  const visit = (node) => {
    if (node.getStart(file) <= place && place < node.end) {
      if (ts.isPropertyAssignment(node)) names.push(node.name.text);
      ts.forEachChild(node, visit);
    }
  };
  visit(file);
  return names.join(".");
}

function* faultsOfTypes(dashboards) {
  const here = dirname(fileURLToPath(import.meta.url));
  const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  const sources = new Map();
  for (const [grafana, schema] of Object.entries(SCHEMAS)) {
    for (const [name, { panels, ...top }] of Object.entries(dashboards)) {
      const source = { text: types(schema), where: `${name}, for ${grafana}`, parts: [] };
      const add = (title, type, content) => {
        source.parts.push({ title, from: source.text.length });
        source.text += `export const part${source.parts.length}: ${type} = ${JSON.stringify(content, null, 1)};\n`;
      };
      add("outside of its panels", "Top", top);
      for (const panel of panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])) {
        if (typeOf(panel)) add(`panel ${panel.title}`, typeOf(panel), panel);
        else yield `${name}, panel ${panel.title}: the kind ${panel.type} is not in KINDS of dashboards.mjs`;
      }
      sources.set(join(here, `${schema.replace("/", "-")}-${name}.ts`), source);
    }
  }
  host.getSourceFile = (name, ...more) => (sources.has(name) ? ts.createSourceFile(name, sources.get(name).text, ...more) : read(name, ...more));
  for (const { file, start, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host))) {
    const source = file && sources.get(file.fileName);
    const part = source?.parts.findLast(({ from }) => from <= start);
    const place = part ? [source.where, part.title, path(file, start)].filter(Boolean).join(", ") : source?.where ?? "types";
    // The type itself would fill the screen.
    const what = ts.flattenDiagnosticMessageText(messageText, "\n").replace(/^Object literal may only.* and '"?(.*?)"?' does not exist in type .*/s, "Grafana knows no $1");
    yield `${place}: ${what.replace(/ in type '\{.*\}' but required in type .*/s, "")}`;
  }
}

function* faultsOfExpressions(expressions) {
  for (const [place, expression] of expressions) {
    let error;
    parser.parse(expression).iterate({ enter: (node) => { if (node.type.isError) error ??= node.from; } });
    if (error !== undefined) yield `${place}: not PromQL from character ${error + 1} on: ${expression}`;
  }
}

const { dashboards, expressions } = JSON.parse(readFileSync(0, "utf-8"));
const faults = new Set([...faultsOfTypes(dashboards), ...faultsOfExpressions(expressions)]);
console.log([...faults].join("\n"));
process.exitCode = faults.size ? 1 : 0;
