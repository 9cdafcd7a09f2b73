# With static_egress: functions that read sources reach them from one address. The
# functions' other calls go through it, too; those to Google stay inside.
resource "google_compute_network" "egress" {
  #checkov:skip=CKV2_GCP_18:nothing listens in this network; its implied rules let nothing in
  count = var.static_egress ? 1 : 0

  project                 = local.project
  name                    = "egress"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "egress" {
  #checkov:skip=CKV_GCP_76:the network has no IPv6
  count = var.static_egress ? 1 : 0

  project                  = local.project
  name                     = "egress"
  region                   = var.region
  network                  = google_compute_network.egress[0].id
  ip_cidr_range            = "10.8.0.0/24" # an instance takes an address or two
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_address" "egress" {
  count = var.static_egress ? 1 : 0

  project = local.project
  name    = "egress"
  region  = var.region
}

resource "google_compute_router" "egress" {
  count = var.static_egress ? 1 : 0

  project = local.project
  name    = "egress"
  region  = var.region
  network = google_compute_network.egress[0].id
}

resource "google_compute_router_nat" "egress" {
  count = var.static_egress ? 1 : 0

  project                            = local.project
  name                               = "egress"
  region                             = var.region
  router                             = google_compute_router.egress[0].name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.egress[0].self_link]
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
