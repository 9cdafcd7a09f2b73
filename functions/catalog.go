package functions

import (
	"time"

	"github.com/b2brecs/b2brecs/functions/analyzedataset"
	"github.com/b2brecs/b2brecs/functions/commitrun"
	"github.com/b2brecs/b2brecs/functions/datasetapi"
	"github.com/b2brecs/b2brecs/functions/etlapi"
	"github.com/b2brecs/b2brecs/functions/experimentapi"
	"github.com/b2brecs/b2brecs/functions/extractchunk"
	"github.com/b2brecs/b2brecs/functions/followpipeline"
	"github.com/b2brecs/b2brecs/functions/followprogress"
	"github.com/b2brecs/b2brecs/functions/generatecode"
	"github.com/b2brecs/b2brecs/functions/harvestmetrics"
	"github.com/b2brecs/b2brecs/functions/identityapi"
	"github.com/b2brecs/b2brecs/functions/inferschema"
	"github.com/b2brecs/b2brecs/functions/loadchunk"
	"github.com/b2brecs/b2brecs/functions/modelapi"
	"github.com/b2brecs/b2brecs/functions/planrun"
	"github.com/b2brecs/b2brecs/functions/receiveupload"
	"github.com/b2brecs/b2brecs/functions/recommend"
	"github.com/b2brecs/b2brecs/functions/repairexperiments"
	"github.com/b2brecs/b2brecs/functions/submitpipeline"
	"github.com/b2brecs/b2brecs/functions/watch"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/file"
	"github.com/b2brecs/b2brecs/shared/source/postgres"
)

// sources makes the registry of connectors once per platform.
func sources(p *platform.Platform) *source.Registry {
	return platform.Once(p, "sources", func() *source.Registry {
		guard := &source.Guard{AllowPrivate: p.AllowPrivateHosts}
		return source.NewRegistry(p.Secrets, guard, file.Uploads(p.Uploads), postgres.Kind())
	})
}

func harvest(p *platform.Platform) harvestmetrics.Services {
	return harvestmetrics.Services{State: p.State, Pipelines: p.Pipelines, Warehouse: p.Warehouse, HTTP: p.HTTP}
}

// Unheard are the topics that the product publishes to and no function hears.
// Publishing to a topic that is not there is an error, so they are made all the same.
var Unheard = []string{etl.TopicRunEnded.Name}

// Native are topics by where their messages come from in a service's own words.
var Native = map[string]string{pipeline.TopicNoticed.Name: pipeline.LogTopic}

// Catalog lists every function, in the order of the life of the data.
func Catalog() []platform.Function {
	return []platform.Function{
		{
			Name: "identity-api", Summary: "Who calls, who has access and as what, how one signs in", Kind: platform.HTTP,
			MemoryMiB: 256, Timeout: 30 * time.Second, Concurrency: 80,
			Roles: []platform.Role{platform.StateWriter},
			Register: platform.OnRequest(func(p *platform.Platform) identityapi.Services {
				return identityapi.Services{People: people.New(p.State), Identity: p.Identity, Log: p.Log}
			}, identityapi.Register),
		},
		{
			Name: "etl-api", Summary: "Connections, jobs, runs, uploads, tables", Kind: platform.HTTP,
			MemoryMiB: 512, Timeout: time.Minute, Concurrency: 80,
			Roles: []platform.Role{platform.StateWriter, platform.UploadsWriter, platform.StagingReader, platform.WarehouseReader,
				platform.WorkflowStarter, platform.ScheduleAdmin, platform.SecretReader, platform.SecretWriter},
			Register: platform.OnRequest(func(p *platform.Platform) etlapi.Services {
				return etlapi.Services{ETL: etl.NewStore(p.State), Sources: sources(p), Secrets: p.Secrets, Uploads: p.Uploads, Staging: p.Staging,
					Warehouse: p.Warehouse, Workflows: p.Workflows, Schedules: p.Schedules, FunctionsURL: p.FunctionsURL}
			}, etlapi.Register),
		},
		{
			Name: "receive-upload", Summary: "Starts the load of a dropped file", Kind: platform.Event,
			Topic: objects.TopicFinalized(objects.Uploads).Name, Bucket: objects.Uploads,
			MemoryMiB: 256, Timeout: time.Minute, Concurrency: 1,
			Roles: []platform.Role{platform.StateWriter, platform.WorkflowStarter},
			Event: platform.OnEvent(objects.TopicFinalized(objects.Uploads), func(p *platform.Platform) receiveupload.Services {
				return receiveupload.Services{ETL: etl.NewStore(p.State), Workflows: p.Workflows, FunctionsURL: p.FunctionsURL}
			}, receiveupload.Handle),
		},
		{
			Name: "infer-schema", Summary: "Compares the source's schema with the job's contract", Kind: platform.Call,
			MemoryMiB: 512, Timeout: 5 * time.Minute, Concurrency: 10,
			Roles: []platform.Role{platform.StateWriter, platform.UploadsReader, platform.SecretReader},
			Call: platform.OnCall(func(p *platform.Platform) inferschema.Services {
				return inferschema.Services{ETL: etl.NewStore(p.State), Sources: sources(p)}
			}, inferschema.Handle),
		},
		{
			Name: "plan-run", Summary: "Cuts a run into chunks and asks for each", Kind: platform.Call,
			MemoryMiB: 512, Timeout: 10 * time.Minute, Concurrency: 10,
			Roles: []platform.Role{platform.StateWriter, platform.EventPublisher, platform.UploadsReader, platform.WarehouseReader, platform.SecretReader},
			Call: platform.OnCall(func(p *platform.Platform) planrun.Services {
				return planrun.Services{ETL: etl.NewStore(p.State), Sources: sources(p), Uploads: p.Uploads, Events: p.Events, Warehouse: p.Warehouse, OneProcess: p.OneProcess}
			}, planrun.Handle),
		},
		{
			Name: "extract-chunk", Summary: "Reads one chunk and writes it as Parquet", Kind: platform.Event, Topic: etl.TopicChunkPlanned.Name,
			MemoryMiB: 512, Timeout: 9 * time.Minute, Concurrency: 2,
			Roles: []platform.Role{platform.StateWriter, platform.StagingWriter, platform.UploadsReader, platform.SecretReader, platform.CallbackInvoker},
			Event: platform.OnEvent(etl.TopicChunkPlanned, func(p *platform.Platform) extractchunk.Services {
				return extractchunk.Services{ETL: etl.NewStore(p.State), Sources: sources(p), Staging: p.Staging, HTTP: p.HTTP, FunctionsURL: p.FunctionsURL, OneProcess: p.OneProcess}
			}, extractchunk.Handle),
		},
		{
			Name: "load-chunk", Summary: "Counts a staged chunk; calls back after the last one", Kind: platform.Event,
			Topic: objects.TopicFinalized(objects.Staging).Name, Bucket: objects.Staging,
			MemoryMiB: 256, Timeout: time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.StateWriter, platform.StagingReader, platform.CallbackInvoker},
			Event: platform.OnEvent(objects.TopicFinalized(objects.Staging), func(p *platform.Platform) loadchunk.Services {
				return loadchunk.Services{ETL: etl.NewStore(p.State), Staging: p.Staging, HTTP: p.HTTP}
			}, loadchunk.Handle),
		},
		{
			Name: "commit-run", Summary: "Makes a run's rows visible in one step and closes it", Kind: platform.Call,
			MemoryMiB: 512, Timeout: 30 * time.Minute, Concurrency: 10,
			Roles: []platform.Role{platform.StateWriter, platform.StagingWriter, platform.WarehouseWriter, platform.EventPublisher, platform.WorkflowStarter},
			Call: platform.OnCall(func(p *platform.Platform) commitrun.Services {
				return commitrun.Services{ETL: etl.NewStore(p.State), Sources: sources(p), Staging: p.Staging, Warehouse: p.Warehouse,
					Events: p.Events, Workflows: p.Workflows, FunctionsURL: p.FunctionsURL}
			}, commitrun.Handle),
		},
		{
			Name: "dataset-api", Summary: "Projects and datasets: proposal, versions, profile, preview, SQL", Kind: platform.HTTP,
			MemoryMiB: 512, Timeout: 5 * time.Minute, Concurrency: 40,
			Roles: []platform.Role{platform.StateWriter, platform.WarehouseReader},
			Register: platform.OnRequest(func(p *platform.Platform) datasetapi.Services {
				return datasetapi.Services{Datasets: dataset.NewService(p.State, p.Warehouse)}
			}, datasetapi.Register),
		},
		{
			Name: "model-api", Summary: "Feature configs, model configs, generated code", Kind: platform.HTTP,
			MemoryMiB: 256, Timeout: time.Minute, Concurrency: 80,
			Roles: []platform.Role{platform.StateWriter},
			Register: platform.OnRequest(func(p *platform.Platform) modelapi.Services {
				return modelapi.Services{State: p.State}
			}, modelapi.Register),
		},
		{
			Name: "experiment-api", Summary: "Experiments: start, follow, cancel, repeat", Kind: platform.HTTP,
			MemoryMiB: 512, Timeout: time.Minute, Concurrency: 80,
			Roles: []platform.Role{platform.StateWriter, platform.PipelinesWriter, platform.WarehouseWriter, platform.WorkflowStarter, platform.PipelineRunner},
			Register: platform.OnRequest(func(p *platform.Platform) experimentapi.Services {
				return experimentapi.Services{State: p.State, Workflows: p.Workflows, Runner: p.Runner, Pipelines: p.Pipelines,
					Warehouse: p.Warehouse, FunctionsURL: p.FunctionsURL}
			}, experimentapi.Register),
		},
		{
			Name: "analyze-dataset", Summary: "Profiles a dataset and makes the examples of an experiment", Kind: platform.Call,
			MemoryMiB: 512, Timeout: 30 * time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.StateWriter, platform.WarehouseWriter, platform.PipelinesWriter},
			Call: platform.OnCall(func(p *platform.Platform) analyzedataset.Services {
				return analyzedataset.Services{State: p.State, Datasets: dataset.NewService(p.State, p.Warehouse), Warehouse: p.Warehouse, Pipelines: p.Pipelines}
			}, analyzedataset.Handle),
		},
		{
			Name: "generate-code", Summary: "Generates the transform and trainer modules of an experiment", Kind: platform.Call,
			MemoryMiB: 256, Timeout: time.Minute, Concurrency: 10,
			Roles: []platform.Role{platform.StateWriter, platform.PipelinesWriter},
			Call: platform.OnCall(func(p *platform.Platform) generatecode.Services {
				return generatecode.Services{State: p.State, Pipelines: p.Pipelines}
			}, generatecode.Handle),
		},
		{
			Name: "submit-pipeline", Summary: "Submits an experiment's pipeline job", Kind: platform.Call,
			MemoryMiB: 256, Timeout: 2 * time.Minute, Concurrency: 10,
			Roles: []platform.Role{platform.StateWriter, platform.PipelinesWriter, platform.PipelineRunner},
			Call: platform.OnCall(func(p *platform.Platform) submitpipeline.Services {
				return submitpipeline.Services{State: p.State, Pipelines: p.Pipelines, Runner: p.Runner, Image: p.PipelineImage}
			}, submitpipeline.Handle),
		},
		{
			Name: "harvest-metrics", Summary: "Takes a pipeline's changes into its experiment, and its results at the end", Kind: platform.Event,
			Topic: pipeline.TopicStateChanged.Name, MemoryMiB: 512, Timeout: 9 * time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.StateWriter, platform.PipelinesReader, platform.WarehouseWriter, platform.CallbackInvoker},
			Event: platform.OnEvent(pipeline.TopicStateChanged, harvest, harvestmetrics.Handle),
		},
		{
			Name: "follow-pipeline", Summary: "Says how a pipeline job changed where its back end says only that it did", Kind: platform.Event,
			Topic: followpipeline.Topic.Name, MemoryMiB: 256, Timeout: time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.PipelineReader, platform.EventPublisher},
			Event: platform.OnEvent(followpipeline.Topic, func(p *platform.Platform) followpipeline.Services {
				return followpipeline.Services{Runner: p.Runner, Events: p.Events}
			}, followpipeline.Handle),
		},
		{
			Name: "follow-progress", Summary: "Takes a trainer's epochs into its experiment where they come as an object", Kind: platform.Event,
			Topic: followprogress.Topic.Name, Bucket: objects.Pipelines, MemoryMiB: 256, Timeout: time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.StateWriter, platform.PipelinesReader},
			Event: platform.OnEvent(followprogress.Topic, func(p *platform.Platform) followprogress.Services {
				return followprogress.Services{State: p.State, Pipelines: p.Pipelines}
			}, followprogress.Handle),
		},
		{
			Name: "harvest-progress", Summary: "Takes a trainer's epochs into its experiment", Kind: platform.Event,
			Topic: pipeline.TopicProgress.Name, MemoryMiB: 256, Timeout: time.Minute, Concurrency: 4,
			Roles: []platform.Role{platform.StateWriter},
			Event: platform.OnEvent(pipeline.TopicProgress, harvest, harvestmetrics.HandleProgress),
		},
		{
			Name: "repair-experiments", Summary: "Starts what a crash left unstarted, replays what was missed", Kind: platform.Call, Cron: "*/5 * * * *",
			MemoryMiB: 256, Timeout: 5 * time.Minute, Concurrency: 1,
			Roles: []platform.Role{platform.StateWriter, platform.EventPublisher, platform.WorkflowStarter, platform.PipelineRunner},
			Call: platform.OnCall(func(p *platform.Platform) repairexperiments.Services {
				return repairexperiments.Services{State: p.State, Events: p.Events, Workflows: p.Workflows, Runner: p.Runner, FunctionsURL: p.FunctionsURL}
			}, repairexperiments.Handle),
		},
		{
			Name: "recommend", Summary: "Answers what a customer would buy", Kind: platform.HTTP,
			MemoryMiB: 256, Timeout: 30 * time.Second, Concurrency: 80,
			Roles: []platform.Role{platform.StateWriter, platform.WarehouseReader},
			Register: platform.OnRequest(func(p *platform.Platform) recommend.Services {
				return recommend.Services{State: p.State, Warehouse: p.Warehouse}
			}, recommend.Register),
		},
		{
			Name: "watch", Summary: "Streams changes of documents to pages", Kind: platform.HTTP,
			MemoryMiB: 256, Timeout: time.Hour, Concurrency: 80,
			Roles:    []platform.Role{platform.StateReader},
			Register: platform.OnRequest(func(p *platform.Platform) watch.Services { return watch.Services{State: p.State} }, watch.Register),
		},
	}
}
