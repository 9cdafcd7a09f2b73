# What the catalogue's roles (Role in shared/platform/function.go) are on Google Cloud.
# The one table: a role that is missing here fails the plan.
#
# on:  project        the client's project
#      bucket:NAME    one bucket
#      dataset:NAME   one dataset
#      topics         every topic that the product publishes to
#      account:NAME   to act as one of the installation's accounts; self is the function's own
# "custom:NAME" are the roles below, where Google's own would give more.
locals {
  reads_warehouse = concat(
    [{ on = "project", role = "roles/bigquery.jobUser" }],
    [for d in ["raw_data", "ml"] : { on = "dataset:${d}", role = "roles/bigquery.dataViewer" }],
  )

  roles = {
    "state.reader"    = [{ on = "project", role = "roles/datastore.viewer" }]
    "state.writer"    = [{ on = "project", role = "roles/datastore.user" }]
    "event.publisher" = [{ on = "topics", role = "roles/pubsub.publisher" }]

    "objects.reader:uploads" = [{ on = "bucket:uploads", role = "roles/storage.objectViewer" }]
    # It also signs upload addresses, as itself.
    "objects.writer:uploads"   = [{ on = "bucket:uploads", role = "roles/storage.objectUser" }, { on = "account:self", role = "custom:signer" }]
    "objects.reader:staging"   = [{ on = "bucket:staging", role = "roles/storage.objectViewer" }]
    "objects.writer:staging"   = [{ on = "bucket:staging", role = "roles/storage.objectUser" }]
    "objects.reader:pipelines" = [{ on = "bucket:pipelines", role = "roles/storage.objectViewer" }]
    "objects.writer:pipelines" = [{ on = "bucket:pipelines", role = "roles/storage.objectUser" }]

    "warehouse.reader" = local.reads_warehouse
    # BigQuery reads and writes objects with the rights of who asks: the objects' own
    # roles are above, and it wants to see the buckets.
    "warehouse.writer" = concat(
      [{ on = "project", role = "roles/bigquery.jobUser" }],
      [for d in var.data.datasets : { on = "dataset:${d}", role = "roles/bigquery.dataEditor" }],
      [for b in ["staging", "pipelines"] : { on = "bucket:${b}", role = "custom:bucket_viewer" }],
    )

    "workflow.starter"  = [{ on = "project", role = "custom:workflow_starter" }]
    "workflow.callback" = [{ on = "project", role = "custom:callback" }]
    # Containers run as the pipelines' account; their lines are in Cloud Logging.
    "pipeline.runner" = [
      { on = "project", role = "roles/aiplatform.user" },
      { on = "project", role = "roles/logging.viewer" },
      { on = "account:pipelines", role = "roles/iam.serviceAccountUser" },
    ]
    "pipeline.reader" = [
      { on = "project", role = "roles/aiplatform.viewer" },
      { on = "project", role = "roles/logging.viewer" },
    ]
    "schedule.admin" = [
      { on = "project", role = "roles/cloudscheduler.admin" },
      { on = "account:scheduler", role = "roles/iam.serviceAccountUser" },
    ]
    "secret.reader" = [{ on = "project", role = "custom:secret_reader" }]
    "secret.writer" = [{ on = "project", role = "custom:secret_writer" }]
  }

  custom_roles = {
    signer        = ["iam.serviceAccounts.signBlob"]
    bucket_viewer = ["storage.buckets.get"]
    workflow_starter = [
      "workflows.executions.cancel", "workflows.executions.create", "workflows.executions.get", "workflows.executions.list",
    ]
    callback      = ["workflows.callbacks.send"]
    secret_reader = ["secretmanager.versions.access", "secretmanager.versions.get"]
    secret_writer = [
      "secretmanager.secrets.create", "secretmanager.secrets.delete", "secretmanager.secrets.get", "secretmanager.secrets.update",
      "secretmanager.versions.add", "secretmanager.versions.destroy", "secretmanager.versions.get", "secretmanager.versions.list",
    ]
  }

  # One entry for each function, place and role.
  grants = merge([
    for name, f in local.functions : merge([
      for r in f.roles : { for g in local.roles[r] : "${name}|${g.on}|${trimprefix(g.role, "roles/")}" => {
        function = name
        on       = g.on
        role     = g.role
      } }
    ]...)
  ]...)
  publishers = { for k, g in local.grants : g.function => g if g.on == "topics" }
}

resource "google_project_iam_custom_role" "role" {
  for_each = local.custom_roles

  project     = local.project
  role_id     = "b2brecs_${each.key}"
  title       = "b2brecs ${replace(each.key, "_", " ")}"
  permissions = each.value
}

locals {
  role_names = { for name, r in google_project_iam_custom_role.role : "custom:${name}" => r.name }
}

resource "google_project_iam_member" "function" {
  for_each = { for k, g in local.grants : k => g if g.on == "project" }

  project = local.project
  role    = lookup(local.role_names, each.value.role, each.value.role)
  member  = google_service_account.function[each.value.function].member
}

# Every function exports its spans; nothing of the catalogue says so.
resource "google_project_iam_member" "spans" {
  for_each = local.functions

  project = local.project
  role    = "roles/telemetry.tracesWriter"
  member  = google_service_account.function[each.key].member
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = { for k, g in local.grants : k => g if startswith(g.on, "bucket:") }

  bucket = var.data.buckets[trimprefix(each.value.on, "bucket:")]
  role   = lookup(local.role_names, each.value.role, each.value.role)
  member = google_service_account.function[each.value.function].member
}

resource "google_bigquery_dataset_iam_member" "function" {
  for_each = { for k, g in local.grants : k => g if startswith(g.on, "dataset:") }

  project    = local.project
  dataset_id = trimprefix(each.value.on, "dataset:")
  role       = each.value.role
  member     = google_service_account.function[each.value.function].member
}

resource "google_pubsub_topic_iam_member" "function" {
  for_each = { for p in setproduct(keys(local.publishers), local.published) : "${p[0]}|${p[1]}" => p }

  project = local.project
  topic   = google_pubsub_topic.topic[each.value[1]].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.value[0]].member
}

resource "google_service_account_iam_member" "function" {
  for_each = { for k, g in local.grants : k => g if startswith(g.on, "account:") }

  service_account_id = (
    each.value.on == "account:self" ? google_service_account.function[each.value.function].name :
    each.value.on == "account:pipelines" ? google_service_account.pipelines.name : google_service_account.scheduler.name
  )
  role   = lookup(local.role_names, each.value.role, each.value.role)
  member = google_service_account.function[each.value.function].member
}
