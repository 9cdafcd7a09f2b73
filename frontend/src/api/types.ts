/** The documents of the API: generated from its OpenAPI, narrowed where it says text and means one of a few words. */
import type { components } from './schema.gen'

type S = components['schemas']
type NotNull<T> = Extract<T, unknown[]> extends never ? T : Exclude<T, null>
/** A reply as the page sees it: lists that the wire may send as null are empty (json.ts). */
export type Solid<T> = T extends (infer E)[] ? Solid<E>[] : T extends object ? { [K in keyof T]: Solid<NotNull<T[K]>> } : T
type Narrow<T, P> = Omit<Solid<T>, keyof P> & P
export type Body<K extends keyof S> = S[K]

export interface List<T> { items: T[]; next: string }
export type Turn = 'you' | 'source' | 'platform' | 'support'
export type FieldFinding = S['ProblemField']
export type Problem = Narrow<S['ProblemError'], { turn?: Turn }>
export type Me = Solid<S['Me']>
export type Person = S['PeopleUser']
export type Role = Person['role']
/** How one signs in at this installation. */
export type SignInWay = S['IdentitySignIn']
export type Project = Solid<S['DatasetProject']>

// Warehouse ------------------------------------------------------------------
export type Ref = S['WarehouseRef']
export type WarehouseColumn = S['WarehouseColumn']
export type TableInfo = Solid<S['WarehouseInfo']>
export type RowsReply = Narrow<S['Preview'], { rows: unknown[][] }>

// ETL ------------------------------------------------------------------------
export type Connection = Narrow<S['EtlConnection'], { params: Record<string, unknown>; test_status?: '' | 'success' | 'failed' | 'error' }>
export type FormField = Narrow<S['SourceField'], { type: 'text' | 'block' | 'number' | 'choice'; default?: unknown }>
export type SourceKind = Narrow<S['SourceKind'], { fields: FormField[] }>
export type TestReply = Narrow<S['TestResult'], { problem?: Problem }>
export type LoadType = 'transactional' | 'catalog'
export type EtlColumn = Solid<S['EtlColumn']>
export type FileOptions = S['EtlFileOptions']
export type RunStatus = 'pending' | 'running' | 'completed' | 'partial' | 'failed' | 'cancelled'
export type Job = Narrow<S['EtlJob'], { load: LoadType; last_status?: RunStatus }>
export type Run = Narrow<S['EtlRun'], { status: RunStatus; load: LoadType; error?: Problem }>
export type ChunkState = 'planned' | 'running' | 'extracted' | 'loaded' | 'failed' | 'cancelled'
export type Chunk = Narrow<S['EtlChunk'], { state: ChunkState; error?: Problem }>
export type Reject = S['SourceReject']
export type SourceTable = S['SourceTable']
/** What is known of a table or file before it is read. */
export type Description = Solid<S['SourceDescription']>

// Datasets -------------------------------------------------------------------
export type DatasetRole = 'customer' | 'product' | 'time' | 'value'
export type Join = S['DatasetJoin']
export type DatasetDefinition = Narrow<S['DatasetDefinition'], { roles: Partial<Record<DatasetRole, string>> }>
export type Dataset = Narrow<S['Dataset'], { definition: DatasetDefinition }>
export type DatasetVersion = Narrow<S['DatasetVersion'], { definition: DatasetDefinition }>
export type ColumnProfile = Solid<S['DatasetColumnProfile']>
export type ParetoPoint = S['DatasetParetoPoint']
export type Finding = Narrow<S['DatasetFinding'], { severity: 'blocking' | 'warning' | 'info' }>
export type Profile = Narrow<S['DatasetProfile'], { findings: Finding[] }>
export type ProposalReply = Narrow<S['DatasetProposal'], { definition: DatasetDefinition; roles: Partial<Record<DatasetRole, Solid<S['DatasetSuggestion']>>> }>
export type CheckReply = Solid<S['DatasetCheckReply']>
export interface RoleGuess { role: DatasetRole; column: string; confidence: string; why: string }
export interface JoinGuess { join: Join; score: number; why: string; match?: number; unique?: boolean }
/** A proposal in the shape the builder draws. */
export interface Suggestion { definition: DatasetDefinition; roles: RoleGuess[]; joins: JoinGuess[] }
export interface DatasetCheck { schema: WarehouseColumn[]; findings: Finding[]; rows?: number; cost?: S['WarehouseCost'] }
export type SqlReply = Solid<S['DatasetText']>

// Features and models --------------------------------------------------------
export type DataType = 'text' | 'numeric' | 'temporal'
export type Cyclical = S['FeatureCyclical']
export type Feature = Narrow<S['Feature'], { data_type: DataType; normalize?: { kind: string; range?: number[] } }>
export type Cross = Solid<S['FeatureCross']>
export interface Tower { features: Feature[]; crosses: Cross[] }
export type FeatureDefinition = Narrow<S['FeatureDefinition'], { query: Tower; candidate: Tower }>
export type FeatureConfig = Narrow<S['FeatureConfig'], { definition: FeatureDefinition }>
export type FeatureVersion = Narrow<S['VersionedVersionFeatureDefinition'], { definition: FeatureDefinition }>
export type FeatureCheck = Solid<S['FeatureCheck']>
export type Reason = S['FeatureReason']
export type SmartDefaults = Narrow<S['DefaultsReply'], { definition: FeatureDefinition }>
export type Layer = S['ModelLayer']
export type ModelDefinition = Solid<S['ModelDefinition']>
export type ModelConfig = Solid<S['VersionedRecordModelDefinition']>
export type ModelPreset = Solid<S['ModelPreset']>
export type ModelCheck = Solid<S['ModelCheck']>
/** Both modules; a fresh generation also counts lines and warns. */
export type Code = Narrow<S['ExperimentCode'], { hash?: string }>

// Experiments ----------------------------------------------------------------
export type ExperimentStatus = 'pending' | 'preparing' | 'running' | 'completed' | 'failed' | 'cancelled'
export type StageState = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SKIPPED'
export type Stage = Narrow<S['ExperimentStage'], { state: StageState | ''; error?: Problem }>
export type Settings = S['ExperimentSettings']
export type Snapshot = Narrow<S['ExperimentSnapshot'], { dataset_version: DatasetVersion; features: FeatureDefinition }>
export type Protocol = Solid<S['ExperimentProtocol']>
export type Scores = Record<string, number>
export type Metrics = Narrow<S['ExperimentMetrics'], { protocol: Protocol; model: Scores; popularity: Scores; item_knn: Scores }>
export type Experiment = Narrow<S['Experiment'], { status: ExperimentStatus; stages: Stage[]; snapshot: Snapshot; metrics?: Metrics; error?: Problem }>
/** What a number was measured on; a list leaves the rules out. */
export type Stamped = S['ExperimentListedProtocol'] & { rules?: string }
export type ListedMetrics = Narrow<S['ExperimentListedMetrics'], { protocol: Stamped }>
/** An experiment as a list tells it; a whole one, as a watch brings it, may stand in its place. */
export type Listed = Narrow<S['ExperimentListed'], { status: ExperimentStatus; stages: { name: string; state: StageState | '' }[]; metrics?: ListedMetrics; error?: Problem }>
// The parts of a history that the pipeline writes; the API passes them on as they are.
export interface NumericStats { count: number; missing: number; missing_pct: number; mean?: number; std_dev?: number; zeros?: number; zeros_pct?: number; min_val?: number; median?: number; max_val?: number; histogram?: { low: number; high: number; count: number }[] }
export interface CategoricalStats { count: number; missing: number; missing_pct: number; unique?: number; top_values?: { value: string; frequency: number; frequency_pct: number }[]; avg_length?: number }
export interface StatFeature { name: string; feature_type: string; numeric_stats?: NumericStats; categorical_stats?: CategoricalStats }
export interface Statistics { num_examples: number; num_features: number; num_numeric_features: number; num_categorical_features: number; avg_missing_pct: number; numeric_features: StatFeature[]; categorical_features: StatFeature[] }
export interface SchemaFeature { name: string; feature_type: string; value_type?: string; presence?: string; shape?: unknown; domain?: string; constraints?: { min?: number; max?: number } }
export interface Schema { num_features: number; features: SchemaFeature[] }
export type History = Narrow<S['ExperimentHistory'], { series: Record<string, number[]>; params?: Record<string, unknown>; statistics?: Statistics; schema?: Schema; timings?: Record<string, number> }>
export type ExperimentCheck = Solid<S['ExperimentPlan']>
export type ExperimentInput = S['Input']

// Recommendations ------------------------------------------------------------
export type RecItem = Narrow<S['RecommendItem'], { attributes?: Record<string, unknown> }>
export type Bought = Narrow<S['RecommendPurchase'], { attributes?: Record<string, unknown> }>
export type Recommendations = Narrow<S['RecommendList'], { items: RecItem[]; bought?: Bought[] }>
export type CustomerHit = S['RecommendCustomer']
