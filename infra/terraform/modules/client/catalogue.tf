locals {
  root      = "${path.module}/../../../.."
  project   = var.data.project_id
  catalogue = jsondecode(file("${local.root}/functions.json"))
  functions = { for f in local.catalogue.functions : f.name => f }
  events    = { for name, f in local.functions : name => f if f.kind == "event" }
  # What answers at an address: functions that people or workflows call.
  served    = { for name, f in local.functions : name => f if f.kind != "event" }
  workflows = { for file in fileset("${local.root}/workflows-yaml", "*.yaml") : trimsuffix(file, ".yaml") => file("${local.root}/workflows-yaml/${file}") }

  functions_url = "https://${var.domain}/functions"

  images = "${var.images.location}-docker.pkg.dev/${var.images.project}/${var.images.repository}"

  # Where a function's events come from when Google sends them in its own words: the
  # log sink's entries become events in shared/platform/cloud.
  native = local.catalogue.topics.native
  # Published, and heard by no function. Publishing to a topic that is not there is
  # an error.
  unheard = local.catalogue.topics.unheard

  pipeline_log_topic = local.native["pipeline-noticed"]

  topic_of = { for name, f in local.events : name => lookup(local.native, f.topic, f.topic) }
  # Topics that the product publishes to: not those that Google fills.
  published = setsubtract(
    concat([for f in local.events : f.topic], local.unheard),
    concat([for f in local.events : f.topic if try(f.bucket, "") != ""], keys(local.native)),
  )
  topics = setunion(local.published, values(local.topic_of), [local.pipeline_log_topic])
}
