# One playbook for each alert, docs/playbooks/NAME.md; its text comes with the mail.
locals {
  playbooks = "${local.root}/docs/playbooks"
}

resource "google_monitoring_notification_channel" "mail" {
  project      = local.project
  display_name = "b2brecs alerts"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

resource "google_monitoring_alert_policy" "dead-letters" {
  project               = local.project
  display_name          = "b2brecs: dead letters"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "a dead letter waits"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\".*[.]dead\") AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = file("${local.playbooks}/dead-letters.md")
  }
}

resource "google_monitoring_alert_policy" "failed-runs" {
  project               = local.project
  display_name          = "b2brecs: failed runs"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "a workflow failed"
    condition_threshold {
      filter          = "resource.type = \"workflows.googleapis.com/Workflow\" AND metric.type = \"workflows.googleapis.com/finished_execution_count\" AND metric.labels.status = \"FAILED\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.workflow_id"]
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = file("${local.playbooks}/failed-runs.md")
  }
}

# A pipeline that fails ends its workflow in order: the workflow has done its part.
resource "google_monitoring_alert_policy" "failed-pipelines" {
  project               = local.project
  display_name          = "b2brecs: failed pipelines"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "a pipeline job failed"
    condition_matched_log {
      filter = "${google_logging_project_sink.pipelines.filter} AND jsonPayload.state=\"PIPELINE_STATE_FAILED\""
    }
  }
  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = file("${local.playbooks}/failed-pipelines.md")
  }
}

resource "google_monitoring_alert_policy" "error-rate" {
  project               = local.project
  display_name          = "b2brecs: error rate"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "more than 5 % of a function's replies are server errors"
    condition_threshold {
      filter             = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      denominator_filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.05
      duration           = "600s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = file("${local.playbooks}/error-rate.md")
  }
}

# Nothing fails, and nothing moves.
resource "google_monitoring_alert_policy" "no-progress" {
  project               = local.project
  display_name          = "b2brecs: no forward progress"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "an event has waited for half an hour"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\"[^.]+\") AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1800 # seconds
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  dynamic "conditions" {
    for_each = google_cloud_scheduler_job.catalogue
    content {
      display_name = "${conditions.key} has not worked for half an hour"
      condition_absent {
        filter   = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${conditions.key}\" AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"2xx\""
        duration = "1800s"
        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = file("${local.playbooks}/no-progress.md")
  }
}

resource "google_billing_budget" "month" {
  count    = var.monthly_budget == null ? 0 : 1
  provider = google.billing

  billing_account = var.billing_account
  display_name    = "b2brecs ${local.project}"

  budget_filter {
    projects = ["projects/${var.data.project_number}"]
  }
  amount {
    specified_amount {
      currency_code = var.monthly_budget.currency
      units         = tostring(floor(var.monthly_budget.amount))
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.8, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }
  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.mail.id]
  }
}
