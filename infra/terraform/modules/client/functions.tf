# A function is a Cloud Run service, which is what a Cloud Function of the 2nd generation
# is below. google_cloudfunctions2_function would build the same source once for each
# function, knows nothing of invoker_iam_disabled, and names the image by itself; here
# one image, named by what it is made of, runs all of them.
#
# Who may call:
#   event   Pub/Sub alone, as the pusher: Cloud Run checks it
#   http    people and services, with their tokens: the function checks them
#   call    services of the installation: the function checks them
# Cloud Run's own check is off for the last two. It knows no people, and it takes the
# signature out of a token it has checked, so the function could check nothing
# (https://cloud.google.com/run/docs/troubleshooting#signature-removed).
resource "google_cloud_run_v2_service" "function" {
  for_each = local.functions

  project              = local.project
  name                 = each.key
  location             = var.region
  description          = each.value.summary
  deletion_protection  = false
  ingress              = each.value.kind == "event" ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  invoker_iam_disabled = each.value.kind != "event"

  template {
    service_account                  = google_service_account.function[each.key].email
    max_instance_request_concurrency = each.value.concurrency
    # The function's own limit comes first, so that it can say so.
    timeout = "${min(3600, each.value.timeout_seconds + 10)}s"

    scaling {
      min_instance_count = 0
      max_instance_count = var.max_instances
    }
    containers {
      image = "${local.images}/function:${var.images.function}"
      resources {
        limits            = { cpu = "1", memory = "${each.value.memory_mib}Mi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = merge(local.environment, local.own_environment[each.key])
        content {
          name  = env.key
          value = env.value
        }
      }
    }
    dynamic "vpc_access" {
      for_each = var.static_egress && contains(each.value.roles, "secret.reader") ? [1] : []
      content {
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = google_compute_network.egress[0].id
          subnetwork = google_compute_subnetwork.egress[0].id
        }
      }
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.run,
    google_project_iam_member.function,
    google_storage_bucket_iam_member.function,
  ]
}

locals {
  # What every function is told: docs/deploy.md has the table.
  environment = merge(
    {
      B2BRECS_PROJECT           = local.project
      B2BRECS_REGION            = var.region
      B2BRECS_FUNCTIONS_URL     = local.functions_url
      B2BRECS_OIDC_ISSUER       = coalesce(var.oidc_issuer, "https://securetoken.google.com/${local.project}")
      B2BRECS_OIDC_AUDIENCE     = join(",", var.oidc_issuer == null ? [local.project] : var.oidc_audience)
      B2BRECS_OWNER_EMAIL       = var.owner_email
      B2BRECS_SERVICE_ACCOUNTS  = join(",", local.services)
      B2BRECS_SCHEDULER_ACCOUNT = google_service_account.scheduler.email
      B2BRECS_PIPELINE_ACCOUNT  = google_service_account.pipelines.email
      B2BRECS_PIPELINE_IMAGE    = "${local.images}/runtime:${var.images.pipeline}"
      B2BRECS_QUERY_LIMIT_GB    = tostring(var.query_limit_gb)
      # Spans go to Cloud Trace, by the standard variables. All of them: what Cloud Run's
      # front end says is sampled is one request in ten seconds of an instance
      # (https://cloud.google.com/run/docs/trace), and a run is followed whole or not at all.
      OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
      OTEL_TRACES_SAMPLER         = "always_on"
    },
    var.oidc_issuer == null ? { B2BRECS_IDENTITY_PLATFORM_KEY = var.data.api_key } : {},
    { for name, bucket in var.data.buckets : "B2BRECS_BUCKET_${upper(name)}" => bucket },
  )
  own_environment = { for name, f in local.functions : name => merge(
    {
      FUNCTION_TARGET = name
      # Go collects garbage before the instance is out of memory.
      GOMEMLIMIT = "${floor(f.memory_mib * 0.9)}MiB"
    },
    contains(f.roles, "objects.writer:uploads") ? { B2BRECS_SIGNING_ACCOUNT = google_service_account.function[name].email } : {},
  ) }
}

# Images are pulled by the agents of Cloud Run and of Vertex AI, from the shared project.
resource "google_artifact_registry_repository_iam_member" "run" {
  for_each = {
    run    = "serverless-robot-prod"
    vertex = "gcp-sa-aiplatform"
  }

  project    = var.images.project
  location   = var.images.location
  repository = var.images.repository
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${var.data.project_number}@${each.value}.iam.gserviceaccount.com"
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.events

  project  = local.project
  location = var.region
  name     = google_cloud_run_v2_service.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}
