# One address for the page and the API: a global external load balancer with the page's
# bucket and one backend for each function that answers at an address.
#
#   /functions/NAME, /functions/NAME/…   the function, without that prefix
#   the paths of functions.json          the function that has them
#   other paths below /v1/               a function that knows no such path and says so
#   everything else                      the page's files; index.html for the page's own addresses
resource "google_storage_bucket" "page" {
  #checkov:skip=CKV_GCP_114:the page is the same for everybody and holds no data
  #checkov:skip=CKV_GCP_62:the load balancer logs the requests
  #checkov:skip=CKV_GCP_78:the page is uploaded again with every deployment
  project                     = local.project
  name                        = "${local.project}-page"
  location                    = var.region
  uniform_bucket_level_access = true
  force_destroy               = true

  website {
    main_page_suffix = "index.html"
  }
}

resource "google_storage_bucket_iam_member" "page" {
  #checkov:skip=CKV_GCP_28:the page is the same for everybody and holds no data
  bucket = google_storage_bucket.page.name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}

locals {
  # Where the page asks for tokens: Identity Platform's two services, or the host of the issuer.
  sign_in = var.oidc_issuer == null ? ["https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com"] : [regex("^https://[^/]+", var.oidc_issuer)]
}

resource "google_compute_backend_bucket" "page" {
  project     = local.project
  name        = "page"
  bucket_name = google_storage_bucket.page.name
  # Those of the embedded server, and HSTS for a year.
  custom_response_headers = [
    "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' https://storage.googleapis.com ${join(" ", local.sign_in)}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: same-origin",
    "Strict-Transport-Security: max-age=31536000",
  ]
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = local.served

  project               = local.project
  name                  = each.key
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.function[each.key].name
  }
}

# The timeout is Cloud Run's own.
resource "google_compute_backend_service" "function" {
  for_each = local.served

  project               = local.project
  name                  = each.key
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  # Workflows and schedules share addresses with others; only people's paths are limited.
  security_policy = each.value.kind == "http" ? google_compute_security_policy.api.id : null

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }
  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_security_policy" "api" {
  #checkov:skip=CKV_GCP_73:the rule is about a Java library; there is no Java behind this address
  project = local.project
  name    = "api"

  rule {
    priority    = 1000
    action      = "throttle"
    description = "So many requests from one address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }
  rule {
    priority    = 2147483647
    action      = "allow"
    description = "The default rule"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

locals {
  # One route for each function by name, one for its paths. Functions have no path in
  # common: infra/check holds it.
  by_name = [for name in sort(keys(local.served)) : {
    service = name
    full    = ["/functions/${name}"]
    prefix  = ["/functions/${name}/"]
    match   = []
  }]
  by_path = [for name in sort(keys(local.served)) : {
    service = name
    full    = [for p in local.served[name].paths : p if !strcontains(p, "{")]
    prefix  = []
    match   = [for p in local.served[name].paths : replace(p, "/{[^}]*}/", "*") if strcontains(p, "{")]
  } if try(length(local.served[name].paths), 0) > 0]
  unknown = [{ service = local.by_path[0].service, full = [], prefix = ["/v1/", "/functions/"], match = [] }]
  routes  = concat(local.by_name, local.by_path, local.unknown)
}

resource "google_compute_url_map" "installation" {
  project         = local.project
  name            = "installation"
  default_service = google_compute_backend_bucket.page.id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "installation"
  }
  path_matcher {
    name            = "installation"
    default_service = google_compute_backend_bucket.page.id

    dynamic "route_rules" {
      for_each = local.routes
      content {
        priority = route_rules.key + 1
        service  = google_compute_backend_service.function[route_rules.value.service].id

        dynamic "match_rules" {
          for_each = route_rules.value.full
          content {
            full_path_match = match_rules.value
          }
        }
        dynamic "match_rules" {
          for_each = route_rules.value.prefix
          content {
            prefix_match = match_rules.value
          }
        }
        dynamic "match_rules" {
          for_each = route_rules.value.match
          content {
            path_template_match = match_rules.value
          }
        }
        dynamic "route_action" {
          for_each = contains(local.by_name, route_rules.value) ? [1] : []
          content {
            url_rewrite {
              path_prefix_rewrite = "/"
            }
          }
        }
      }
    }
    # The page's own addresses are no files.
    route_rules {
      priority = length(local.routes) + 1
      service  = google_compute_backend_bucket.page.id

      match_rules {
        prefix_match = "/"
      }
      custom_error_response_policy {
        error_service = google_compute_backend_bucket.page.id
        error_response_rule {
          match_response_codes   = ["404"]
          path                   = "/index.html"
          override_response_code = 200
        }
      }
    }
  }
}

resource "google_compute_global_address" "installation" {
  project = local.project
  name    = "installation"
}

resource "google_compute_managed_ssl_certificate" "installation" {
  project = local.project
  # A certificate cannot be changed: another domain is another one.
  name = "installation-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "installation" {
  project         = local.project
  name            = "installation"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "installation" {
  project          = local.project
  name             = "installation"
  url_map          = google_compute_url_map.installation.id
  ssl_certificates = [google_compute_managed_ssl_certificate.installation.id]
  ssl_policy       = google_compute_ssl_policy.installation.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = local.project
  name                  = "https"
  target                = google_compute_target_https_proxy.installation.id
  ip_address            = google_compute_global_address.installation.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

resource "google_compute_url_map" "redirect" {
  project = local.project
  name    = "redirect"

  default_url_redirect {
    https_redirect = true
    strip_query    = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = local.project
  name    = "redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = local.project
  name                  = "http"
  target                = google_compute_target_http_proxy.redirect.id
  ip_address            = google_compute_global_address.installation.id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
