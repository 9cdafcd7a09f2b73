/** The documents of the API, as its OpenAPI describes them. */

export interface List<T> { items: T[]; next: string }
export type Turn = 'you' | 'source' | 'platform' | 'support'
export interface FieldFinding { location: string; message: string }

/** A problem as state documents store it. */
export interface Problem {
  code: string; message: string; cause?: string; next?: string; turn?: Turn; step?: string; fields?: FieldFinding[]
}

export type Role = 'owner' | 'manager' | 'analyst' | 'viewer' | 'service'
export interface Me { subject: string; name: string; email?: string; role: Role }
export interface Project { id: string; name: string; description?: string; created_at?: string }

// Warehouse ------------------------------------------------------------------
export interface Ref { dataset: string; name: string }
export interface WarehouseColumn { name: string; type: string; repeated?: boolean; required?: boolean; description?: string }
export interface TableInfo { ref: Ref; columns: WarehouseColumn[]; rows: number; bytes: number; modified: string; partition_by?: string; description?: string }
export interface RowsReply { columns: WarehouseColumn[]; rows: unknown[][]; truncated?: boolean }

// ETL ------------------------------------------------------------------------
export interface Connection {
  id: string; name: string; type: string; description?: string; params: Record<string, unknown>
  test_status?: '' | 'success' | 'failed' | 'error'; test_message?: string; tested_at?: string
  created_at: string; updated_at: string; created_by?: string
}
export interface FormField {
  name: string; title: string; help?: string; type: 'text' | 'block' | 'number' | 'choice'
  required?: boolean; secret?: boolean; default?: unknown; example?: string; choices?: string[]; min?: number; max?: number
}
export interface SourceKind {
  name: string; title: string; category: string; help?: string; fields: FormField[]; built_in?: boolean
  capabilities: { tables: boolean; files: boolean; incremental: boolean; snapshot: boolean }
}
export interface TestReply { ok: boolean; message: string; seconds: number; tables: SourceTable[]; problem?: Problem; duplicate?: { id: string; name: string } }

export type LoadType = 'transactional' | 'catalog'
export interface EtlColumn { source: string; source_type: string; name: string; type: string; confidence?: string; note?: string; samples?: string[] }
export interface FileOptions { prefix: string; pattern: string; format: string; delimiter?: string; encoding?: string; no_header?: boolean; latest_only?: boolean }
export type RunStatus = 'pending' | 'running' | 'completed' | 'partial' | 'failed' | 'cancelled'
export interface Job {
  id: string; name: string; connection: string; kind: string; schema?: string; table?: string; files?: FileOptions
  destination: Ref; load: LoadType; columns?: EtlColumn[]; timestamp_column?: string; start_date?: string; watermark?: string
  safety_lag_seconds: number; keys?: string[]; max_reject_share: number; accept_empty?: boolean
  schedule?: { cron: string; time_zone: string }; enabled: boolean; active_run?: string; last_run?: string
  last_status?: RunStatus; last_run_at?: string; created_at: string; updated_at: string; created_by?: string
}
export interface Phase { name: string; started?: string; ended?: string }
export interface SourceFile { key: string; generation: string; size: number; modified_at: string }
export interface CommitResult { id: string; read: number; inserted: number; updated: number; deleted: number; repeated: boolean }
export interface Run {
  id: string; number: number; job: string; job_name: string; destination: Ref; load: LoadType; trigger: string; by?: string
  status: RunStatus; phases: Phase[]; epoch: number; from?: string; to?: string; files?: SourceFile[]
  estimate_rows: number; chunks: number; chunks_extracted: number; chunks_loaded: number
  rows_read: number; rows_staged: number; rows_rejected: number; bytes_read: number
  commit?: CommitResult; reject_reasons?: Record<string, number>; warnings?: string[]; cancel_requested?: boolean
  error?: Problem; created_at: string; started_at?: string; ended_at?: string; updated_at?: string
}
export type ChunkState = 'planned' | 'running' | 'extracted' | 'loaded' | 'failed' | 'cancelled'
export interface Chunk {
  id: string; run: string; job: string; epoch: number; number: number; state: ChunkState; label: string; attempts: number
  rows: number; staged: number; rejected: number; bytes: number; error?: Problem; started_at?: string; ended_at?: string
}
export interface Reject { row: string; reason: string; kind?: string; file?: string; line?: number; column?: string }
export interface Upload { key: string; generation: string; size: number; modified_at?: string }
export interface SourceTable { schema: string; name: string; kind: string; rows_estimate: number; bytes: number; modified?: string }
/** What is known of a table or file before it is read. */
export interface Description {
  columns: EtlColumn[]; keys?: string[]; timestamps?: string[]; recommended_timestamp?: string; rows_estimate: number; warnings?: string[]
  format?: string; delimiter?: string; encoding?: string; header?: boolean
}

// Datasets -------------------------------------------------------------------
export type DatasetRole = 'customer' | 'product' | 'time' | 'value'
export interface Join { table: Ref; left_table: Ref; left_column: string; right_column: string; type: 'left' | 'inner' | string; fan_out?: string }
export interface DatasetColumn { table: Ref; column: string; name: string }
export interface DateFilter { column: string; rolling_days?: number; start?: string }
export interface DatasetDefinition {
  primary: Ref; joins: Join[]; columns: DatasetColumn[]; roles: Partial<Record<DatasetRole, string>>; dates?: DateFilter; positive_only: boolean
}
export interface Dataset {
  id: string; project: string; name: string; description?: string; version: number; definition: DatasetDefinition
  created_at: string; updated_at: string; created_by?: string
}
export interface DatasetVersion { dataset: string; number: number; definition: DatasetDefinition; schema: WarehouseColumn[]; hash: string; created_at: string; created_by?: string }
export interface ValueCount { value: string; count: number }
export interface ColumnProfile {
  name: string; type: string; nulls: number; distinct: number; min?: string; max?: string; mean?: number; std_dev?: number; quantiles?: number[]; top?: ValueCount[]
}
export interface ParetoPoint { rank: number; share: number; value_share: number }
export interface Finding { severity: 'blocking' | 'warning' | 'info'; code: string; message: string; why: string; next: string; penalty: number }
export interface Profile {
  dataset: string; version: number; rows: number; customers: number; products: number; pairs: number; from?: string; to?: string; value?: number
  rows_before: number; columns: ColumnProfile[]; customer_pareto?: ParetoPoint[]; product_pareto?: ParetoPoint[]; rows_per_month?: ValueCount[]
  score: number; rating: string; findings: Finding[]; bytes_scanned: number; analyzed_at: string; seconds: number
}
export interface RoleGuess { role: DatasetRole; column: string; confidence: string; why: string }
export interface JoinGuess { join: Join; score: number; why: string; match?: number; unique?: boolean }
export interface Suggestion { definition: DatasetDefinition; roles: RoleGuess[]; joins: JoinGuess[] }
export interface DatasetCheck { schema: WarehouseColumn[]; findings: Finding[]; rows?: number }
export interface SqlReply { sql: string }

// Features and models --------------------------------------------------------
export type DataType = 'text' | 'numeric' | 'temporal'
export interface Embedding { dim: number; max_size?: number; oov_buckets?: number; min_frequency?: number }
export interface Normalize { kind: 'zscore' | 'minmax' | 'log_zscore' | 'log_minmax' | string; range?: [number, number] }
export interface Bucketize { buckets?: number; boundaries?: number[]; dim: number }
export interface Cyclical { yearly?: boolean; quarterly?: boolean; monthly?: boolean; weekly?: boolean; daily?: boolean }
export interface Feature {
  column: string; type: string; data_type: DataType; primary_id?: boolean; embedding?: Embedding; normalize?: Normalize; bucketize?: Bucketize; cyclical?: Cyclical
  cardinality?: number; confirmed?: boolean
}
export interface CrossMember { column: string; buckets?: number }
export interface Cross { features: CrossMember[]; hash_buckets: number; dim: number }
export interface Tower { features: Feature[]; crosses: Cross[] }
export interface FeatureDefinition { dataset: string; dataset_version: number; query: Tower; candidate: Tower }
export interface FeatureConfig {
  id: string; project: string; name: string; description?: string; version: number; definition: FeatureDefinition; query_dim: number; candidate_dim: number
  warnings?: string[]; created_at: string; updated_at: string; created_by?: string
}
export interface FeatureVersion { of: string; number: number; definition: FeatureDefinition; hash: string; created_at: string; created_by?: string }
export interface Width { total: number; parts: { name: string; dim: number; cross?: boolean }[] }
export interface FeatureCheck { errors: FieldFinding[]; warnings: string[]; query: Width; candidate: Width }
export interface Reason { column: string; tower: 'query' | 'candidate' | 'skipped' | string; why: string }
export interface SmartDefaults { definition: FeatureDefinition; reasons: Reason[] }
export interface Layer { type: 'dense' | 'dropout' | 'batch_norm' | 'layer_norm' | string; units?: number; activation?: string; l1?: number; l2?: number; rate?: number; epsilon?: number }
export interface ModelDefinition {
  type: string; query: Layer[]; candidate: Layer[]; output_dim: number; optimizer: string; learning_rate: number; batch_size: number; epochs: number; embedding_l2: number
  log_q: boolean; temperature: number; normalize: boolean; clip_norm: number; patience: number; top_k: number; index: string
}
export interface ModelConfig {
  id: string; project: string; name: string; description?: string; version: number; preset?: string; definition: ModelDefinition; created_at: string; updated_at: string; created_by?: string
}
export interface ModelPreset { name: string; title?: string; description?: string; definition: ModelDefinition }
export interface ModelCheck { errors: FieldFinding[]; warnings: string[] }
export interface Code { transform: string; trainer: string; hash?: string; manifest?: unknown; warnings?: string[]; transform_lines?: number; trainer_lines?: number }

// Experiments ----------------------------------------------------------------
export type ExperimentStatus = 'pending' | 'preparing' | 'running' | 'completed' | 'failed' | 'cancelled'
export type StageState = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SKIPPED'
export interface Stage { name: string; state: StageState | ''; started?: string; ended?: string; fact?: string; error?: Problem }
export interface Split { strategy: 'temporal' | 'random' | string; test_days?: number; eval_days?: number; seed: number; sample_percent?: number }
export interface Settings { split: Split; epochs: number; batch_size: number; learning_rate: number; seed: number; exclude_seen: boolean }
export interface Snapshot {
  dataset: string; dataset_name: string; dataset_version: DatasetVersion; feature_config: string; feature_name: string; feature_version: number; features: FeatureDefinition
  model_config: string; model_name: string; model_version: number; model: ModelDefinition
}
export interface Protocol {
  split: string; candidates: string; seen_items: string; cutoffs: number[]; customers: number; cold_customers: number; items: number; rows: number; unseen_item_rows: number; seed: number; rules: string
}
export type Scores = Record<string, number>
export interface Metrics { protocol: Protocol; model: Scores; popularity: Scores; item_knn: Scores; verdict: string }
export interface Examples {
  table: Ref; columns: WarehouseColumn[]; rows: Record<string, number>; dropped: number; customers: number; products: number
  train_from?: string; eval_from?: string; test_from?: string; to?: string; sql: string
}
export interface Experiment {
  id: string; number: number; project: string; name?: string; status: ExperimentStatus; stages: Stage[]; progress: number; epoch: number; settings: Settings; snapshot: Snapshot
  examples?: Examples; code_hash?: string; metrics?: Metrics; loss?: number; best_epoch?: number; error?: Problem; warnings?: string[]; recommendations?: number
  created_at: string; started_at?: string; ended_at?: string; created_by?: string
}
export interface NumericStats { count: number; missing: number; missing_pct: number; mean?: number; std_dev?: number; zeros?: number; zeros_pct?: number; min_val?: number; median?: number; max_val?: number; histogram?: { low: number; high: number; count: number }[] }
export interface CategoricalStats { count: number; missing: number; missing_pct: number; unique?: number; top_values?: { value: string; frequency: number; frequency_pct: number }[]; avg_length?: number }
export interface StatFeature { name: string; feature_type: string; numeric_stats?: NumericStats; categorical_stats?: CategoricalStats }
export interface Statistics { num_examples: number; num_features: number; num_numeric_features: number; num_categorical_features: number; avg_missing_pct: number; numeric_features: StatFeature[]; categorical_features: StatFeature[] }
export interface SchemaFeature { name: string; feature_type: string; value_type?: string; presence?: string; shape?: unknown; domain?: string; constraints?: { min?: number; max?: number } }
export interface Schema { num_features: number; features: SchemaFeature[] }
export interface History { experiment: string; epochs: number[]; series: Record<string, number[]>; params?: Record<string, unknown>; statistics?: Statistics; schema?: Schema; timings?: Record<string, number> }
export interface ExperimentCheck { errors: FieldFinding[]; warnings: string[]; split?: Examples; rows?: Record<string, number> }
export interface ExperimentInput { feature_config: string; model_config: string; settings?: Settings; name?: string }

// Recommendations ------------------------------------------------------------
export interface RecItem { product: string; score: number; rank: number; seen?: boolean; attributes?: Record<string, unknown> }
export interface Bought { product: string; time?: string; count: number; attributes?: Record<string, unknown> }
export interface Recommendations { customer: string; experiment: string; source: 'model' | 'popular'; reason?: string; items: RecItem[]; bought?: Bought[] }
export interface CustomerHit { id: string; purchases: number }
