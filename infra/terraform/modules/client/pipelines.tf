# What the components of a pipeline run as, and how the product hears of a job's changes.
resource "google_service_account" "pipelines" {
  project      = local.project
  account_id   = "pipelines"
  display_name = "Components of pipelines"
}

# The warehouse's rows are exported for them: they read and write one bucket.
resource "google_storage_bucket_iam_member" "pipelines" {
  bucket = var.data.buckets["pipelines"]
  role   = "roles/storage.objectUser"
  member = google_service_account.pipelines.member
}

# Vertex AI starts each task's job, and keeps its metadata, as this account
# (https://cloud.google.com/vertex-ai/docs/pipelines/configure-project#service-account).
resource "google_project_iam_member" "pipelines" {
  for_each = toset(["roles/aiplatform.user", "roles/logging.logWriter"])

  project = local.project
  role    = each.key
  member  = google_service_account.pipelines.member
}

# The filter is vertex.LogFilter, the topic pipeline.LogTopic.
resource "google_logging_project_sink" "pipelines" {
  project                = local.project
  name                   = "pipeline-jobs"
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.topic[local.pipeline_log_topic].id}"
  filter                 = "resource.type=\"aiplatform.googleapis.com/PipelineJob\" AND log_id(\"aiplatform.googleapis.com/pipeline_job_events\")"
  unique_writer_identity = true
}

resource "google_pubsub_topic_iam_member" "sink" {
  project = local.project
  topic   = google_pubsub_topic.topic[local.pipeline_log_topic].name
  role    = "roles/pubsub.publisher"
  member  = google_logging_project_sink.pipelines.writer_identity
}
