# The files of workflows-yaml as they are, and the catalogue's own times.
resource "google_workflows_workflow" "workflow" {
  for_each = local.workflows

  project             = local.project
  region              = var.region
  name                = each.key
  service_account     = google_service_account.workflow[each.key].id
  source_contents     = each.value
  call_log_level      = "LOG_ERRORS_ONLY"
  deletion_protection = false
}

# Schedules that people make are jobs of the product's own, named b2brecs-schedule-….
resource "google_cloud_scheduler_job" "catalogue" {
  for_each = { for name, f in local.functions : name => f if try(f.cron, "") != "" }

  project          = local.project
  region           = var.region
  name             = "function-${each.key}"
  description      = each.value.summary
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${min(1800, each.value.timeout_seconds + 10)}s"

  http_target {
    http_method = "POST"
    uri         = "${local.functions_url}/${each.key}"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode("{}")
    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = "${local.functions_url}/${each.key}"
    }
  }
  retry_config {
    retry_count          = 1 # the next time comes soon
    min_backoff_duration = "30s"
  }
}
