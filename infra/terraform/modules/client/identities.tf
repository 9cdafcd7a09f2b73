# One account for each function, with the roles of its entry in the catalogue and none
# else; and one for each that calls functions.
resource "google_service_account" "function" {
  for_each = local.functions

  project      = local.project
  account_id   = "fn-${each.key}"
  display_name = each.value.summary
}

# A workflow is its own caller: the functions see which one it was.
resource "google_service_account" "workflow" {
  for_each = local.workflows

  project      = local.project
  account_id   = "wf-${each.key}"
  display_name = "Workflow ${each.key}"
}

resource "google_project_iam_member" "workflow" {
  for_each = local.workflows

  project = local.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.workflow[each.key].member
}

resource "google_service_account" "scheduler" {
  project      = local.project
  account_id   = "scheduler"
  display_name = "Calls functions at their times"
}

# Pushes events; nothing but event functions lets it in.
resource "google_service_account" "pusher" {
  project      = local.project
  account_id   = "pusher"
  display_name = "Pushes events to functions"
}

locals {
  # Functions that call another one by its address.
  calling = ["extract-chunk"]
  # Whom functions take for services of the installation.
  services = concat(
    [google_service_account.scheduler.email],
    [for name in sort(keys(local.workflows)) : google_service_account.workflow[name].email],
    [for name in local.calling : google_service_account.function[name].email],
  )
}

# People sign in at Identity Platform unless there is another issuer. It cannot be
# switched off again: destroying only forgets it.
resource "google_identity_platform_config" "people" {
  count = var.oidc_issuer == null ? 1 : 0

  project                    = local.project
  autodelete_anonymous_users = true
  authorized_domains         = [var.domain]

  sign_in {
    allow_duplicate_emails = false
    email {
      enabled           = true
      password_required = true
    }
  }
  # Accounts are made by an administrator; who may do what is in the product's own list.
  client {
    permissions {
      disabled_user_signup   = true
      disabled_user_deletion = true
    }
  }
}
