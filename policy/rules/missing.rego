# METADATA
# title: Missing policies
# description: Buckets, queues and topics of the stacks that no policy is attached to.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
package pulumi.missing

import data.pulumi.attachments
import data.pulumi.stacks

# METADATA
# title: What has no policy
# description: The resources, as {"resource", "kind", "name"}, of the kinds bucket, queue and topic.
policies := [{"resource": resource, "kind": kind.title, "name": name} |
	some type, kind in _kinds
	some resource in stacks.of_type(type)
	not _has_policy(resource, kind.property)
	name := object.get(resource.inputs, kind.property, resource.name)
]

_kinds := {
	"aws:s3/bucket:Bucket": {"title": "bucket", "property": "bucket"},
	"aws:s3/bucketV2:BucketV2": {"title": "bucket", "property": "bucket"},
	"aws:sns/topic:Topic": {"title": "topic", "property": "name"},
	"aws:sqs/queue:Queue": {"title": "queue", "property": "name"},
}

# How a policy names what it is attached to: by the bucket's name, the queue's URL, the topic's ARN.
_properties := {
	"aws:s3/bucketPolicy:BucketPolicy": "bucket",
	"aws:sns/topicPolicy:TopicPolicy": "arn",
	"aws:sqs/queuePolicy:QueuePolicy": "queueUrl",
}

_has_policy(resource, _) if resource.urn in _with_attachment

_has_policy(resource, property) if {
	some name in stacks.names(resource, property)
	[_kinds[resource.type].title, name] in _named
}

# URLs and ARNs end with the name.
_named contains [kind, regex.replace(name, `^(?:https?|arn):.*[:/]`, "")] if {
	some type, property in _properties
	kind := lower(regex.replace(type, `^.*:(.*)Policy$`, "$1"))
	some resource in stacks.of_type(type)
	some name in (stacks.names(resource, property) | {urn | some urn in object.get(resource.dependencies, property, [])})
}

# A bucket can have an ACL in the same place.
_with_attachment contains attachment.urn if {
	some attachment in attachments.found
	attachment.kind != "acl"
}
