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
# description: |
#   Each bucket of the stacks with what it lacks, as {"bucket", "severity", "message"}: the bucket is the resource.
missing := [{"bucket": bucket, "severity": protection.severity, "message": protection.message} |
	some bucket in stacks.resources
	bucket.type in {"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"}
	some protection in _protections
	not _has(bucket, protection.name)
]

_protections := [
	{"name": "block", "severity": "medium", "message": "The bucket does not have all four settings of Public Access Block on"},
	{"name": "ownership", "severity": "medium", "message": "The bucket is not BucketOwnerEnforced, so that objects can have other owners"},
	{"name": "encryption", "severity": "low", "message": "The bucket does not say how its objects are encrypted"},
	{"name": "versioning", "severity": "low", "message": "The bucket does not keep versions of its objects"},
]

_has(bucket, "block") if {
	some inputs in _beside(bucket, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
	every setting in ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"] {
		inputs[setting] == true
	}
}

_has(bucket, "ownership") if {
	some inputs in _beside(bucket, "aws:s3/bucketOwnershipControls:BucketOwnershipControls")
	inputs.rule.objectOwnership == "BucketOwnerEnforced"
}

_has(bucket, "encryption") if {
	kinds := {
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
	}
	some kind in kinds
	count(_beside(bucket, kind)) > 0
}

_has(bucket, "versioning") if {
	some kind in {"aws:s3/bucketVersioningV2:BucketVersioningV2", "aws:s3/bucketVersioning:BucketVersioning"}
	some inputs in _beside(bucket, kind)
	inputs.versioningConfiguration.status == "Enabled"
}

# The inputs of the resources of a type that are about the bucket.
_beside(bucket, type) := [resource.inputs |
	some resource in stacks.resources
	resource.type == type
	resource.stack == bucket.stack
	resource.inputs.bucket == object.get(bucket.inputs, "bucket", resource.inputs.bucket)
]
