# Topics, and for each event function f the queue that shared/events/pubsub describes:
# subscription f, pushed to it; topic f.dead and subscription f.dead for its dead letters.
resource "google_pubsub_topic" "topic" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt at rest; events carry ids, never rows
  for_each = local.topics

  project                    = local.project
  name                       = each.key
  message_retention_duration = "604800s" # a week: how far back a new subscription reads
}

resource "google_pubsub_topic" "dead" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt at rest; events carry ids, never rows
  for_each = local.events

  project = local.project
  name    = "${each.key}.dead"
}

resource "google_pubsub_subscription" "dead" {
  for_each = local.events

  project                    = local.project
  name                       = "${each.key}.dead"
  topic                      = google_pubsub_topic.dead[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the longest there is

  expiration_policy {
    ttl = "" # never
  }
}

resource "google_pubsub_subscription" "function" {
  for_each = local.events

  project                 = local.project
  name                    = each.key
  topic                   = google_pubsub_topic.topic[local.topic_of[each.key]].id
  enable_message_ordering = true
  # The time of one delivery; 600 s is the longest there is.
  ack_deadline_seconds       = min(600, each.value.timeout_seconds + 30)
  message_retention_duration = "604800s"

  push_config {
    # The Functions Framework takes the topic's name out of the path.
    push_endpoint = "${google_cloud_run_v2_service.function[each.key].uri}/projects/${local.project}/topics/${local.topic_of[each.key]}"
    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = google_cloud_run_v2_service.function[each.key].uri
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  # The function keeps a dead letter with its reason after events.MaxAttempts, 8; this
  # ends what it could not even keep.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = 10
  }
  expiration_policy {
    ttl = "" # never
  }
  depends_on = [google_cloud_run_v2_service_iam_member.pusher, google_pubsub_topic_iam_member.forwarder]
}

# A function keeps its own dead letters.
resource "google_pubsub_topic_iam_member" "buries" {
  for_each = local.events

  project = local.project
  topic   = google_pubsub_topic.dead[each.key].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}

# Pub/Sub forwards dead letters as its own agent
# (https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions).
locals {
  pubsub_agent = "serviceAccount:service-${var.data.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "forwarder" {
  for_each = local.events

  project = local.project
  topic   = google_pubsub_topic.dead[each.key].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "forwarder" {
  for_each = local.events

  project      = local.project
  subscription = google_pubsub_subscription.function[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Finalized objects go to the topic of their bucket by the bucket's own announcement,
# not by Eventarc: one queue for all events, with one retry policy and dead letters.
locals {
  finalized = { for f in local.events : f.bucket => f.topic... if try(f.bucket, "") != "" }
}

resource "google_pubsub_topic_iam_member" "storage" {
  for_each = local.finalized

  project = local.project
  topic   = google_pubsub_topic.topic[each.value[0]].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.data.storage_agent}"
}

resource "google_storage_notification" "finalized" {
  for_each = local.finalized

  bucket         = var.data.buckets[each.key]
  topic          = google_pubsub_topic.topic[each.value[0]].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  depends_on     = [google_pubsub_topic_iam_member.storage]
}
