// Types of the JSON of a dashboard, made from those of Grafana's programs.
import type { AnnotationQuery, Dashboard as AnyDashboard, DataQuery, Panel, RowPanel } from '@grafana/schema';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen.d.ts';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.d.ts';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';

// In JSON the values of enumerations are plain strings. Grafana fills in what a panel's options leave out.
type Plain<T> = T extends string ? `${T}` : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;
type Partly<T> = T extends string
  ? `${T}`
  : T extends Array<infer Element>
    ? Array<Partly<Element>>
    : T extends object
      ? { [Key in keyof T]?: Partly<T[Key]> }
      : T;

type PanelOf<Type extends string, Options, Custom> = Omit<Plain<Panel>, 'type' | 'options' | 'fieldConfig'> & {
  type: Type;
  options?: Partly<Options>;
  fieldConfig: Omit<Plain<NonNullable<Panel['fieldConfig']>>, 'defaults'> & {
    defaults: Omit<Partly<NonNullable<Panel['fieldConfig']>['defaults']>, 'custom'> & { custom?: Partly<Custom> };
  };
};

type AnyPanel =
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'stat', stat.Options, Record<string, never>>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>;

type Annotation = Plain<AnnotationQuery<DataQuery & { expr: string }>>;

export type Dashboard = Omit<Plain<AnyDashboard>, 'panels' | 'annotations'> & {
  annotations: { list: Array<Annotation> };
  panels: Array<AnyPanel | Plain<RowPanel>>;
};
