# METADATA
# title: Hardening
# description: What protects a bucket besides its policy.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
package pulumi.hardening

import data.pulumi.stacks

# METADATA
# title: What is missing
# description: Each bucket of the stacks with what it lacks, as {"bucket", "severity", "message"}; the bucket is the resource.
missing := array.concat(
	[{"bucket": bucket, "severity": "medium", "message": message} |
		some bucket in stacks.buckets
		lacking := [setting | some setting in _settings; not _has(bucket, setting)]
		count(lacking) > 0

		# Which settings is part of the message, by which an exception knows what it is for.
		message := sprintf("The bucket does not have all four settings of Public Access Block on, but lacks %s", [concat(", ", lacking)])
	],
	[{"bucket": bucket, "severity": protection.severity, "message": protection.message} |
		some bucket in stacks.buckets
		some protection in _protections
		not _has(bucket, protection.name)
	],
)

_settings := ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]

_protections := [
	{"name": "ownership", "severity": "medium", "message": "The bucket is not BucketOwnerEnforced, so that objects can have other owners"},
	{"name": "encryption", "severity": "low", "message": "The bucket does not say how its objects are encrypted"},
	{"name": "versioning", "severity": "low", "message": "The bucket does not keep versions of its objects"},
]

_has(bucket, protection) if {
	some name in stacks.names(bucket, "bucket")
	[name, protection] in _given
}

# All buckets of an account can be protected at once.
_has(bucket, protection) if [bucket.account, protection] in _given_accounts

# Which bucket, by any of its names, has which protection.
_given contains [name, protection] if {
	some type in _protecting
	some resource in stacks.of_type(type)
	some protection in _gives(resource)
	some name in stacks.names(resource, "bucket")
}

_protecting := [
	"aws:s3/bucket:Bucket",
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls",
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
	"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
	"aws:s3/bucketV2:BucketV2",
	"aws:s3/bucketVersioning:BucketVersioning",
	"aws:s3/bucketVersioningV2:BucketVersioningV2",
]

_gives(resource) := _blocks(resource.inputs) if {
	resource.type == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
}

_gives(resource) := {"ownership"} if {
	resource.type == "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
	resource.inputs.rule.objectOwnership == "BucketOwnerEnforced"
}

_gives(resource) := {"encryption"} if resource.type in {
	"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
}

_gives(resource) := {"versioning"} if {
	resource.type in {"aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2"}
	resource.inputs.versioningConfiguration.status == "Enabled"
}

# Older programs say it with the bucket.
_gives(resource) := {"encryption" | resource.inputs.serverSideEncryptionConfiguration} | {"versioning" |
	resource.inputs.versioning.enabled == true
} if {
	resource.type in {"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"}
}

_given_accounts contains [resource.account, setting] if {
	some resource in stacks.of_type("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock")
	resource.account != ""
	some setting in _blocks(resource.inputs)
}

_blocks(inputs) := {setting | some setting in _settings; inputs[setting] == true}
