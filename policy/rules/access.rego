# METADATA
# title: Access
# description: What of the stacks can have a say in a request, besides the policies themselves. The engine in Go puts it together.
package pulumi.access

import data.pulumi.attachments
import data.pulumi.stacks

# METADATA
# title: What was found
# description: The resources that carry policies, attach them, or decide which of them a request meets.
found := [resource |
	some resource in stacks.resources
	_has_a_say(resource)
]

_has_a_say(resource) if resource.urn in _carriers

_has_a_say(resource) if {
	resource.type in {
		"aws:ec2/vpcEndpoint:VpcEndpoint",
		"aws:iam/policyAttachment:PolicyAttachment",
		"aws:iam/role:Role",
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		"aws:kms/alias:Alias",
		"aws:kms/key:Key",
		"aws:lambda/function:Function",
		"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
		"aws:s3/bucket:Bucket",
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
		"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		"aws:s3/bucketV2:BucketV2",
	}
}

# Worked out once, not anew for each resource that is asked for.
# regal ignore:prefer-set-or-object-rule
_carriers := {attachment.urn | some attachment in attachments.found}
