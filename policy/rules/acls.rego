# METADATA
# title: ACLs
# description: |
#   The policies that say the same as the access control lists of buckets and objects, as far as these are about everybody, or about
#   everybody with an account of AWS.
# related_resources:
#   - description: Access control list (ACL) overview
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
package pulumi.acls

import data.iam.unknowns
import data.pulumi.stacks

# METADATA
# title: Texts
# description: |
#   The policies of a resource with an ACL, as JSON: none where the ACL lets nobody in who has no name, null where it is not known.
texts(resource) := [null] if {
	some property in ["accessControlPolicy", "acl", "grants"]
	not _shown(resource.inputs[property])
} else := [json.marshal({"Version": "2012-10-17", "Statement": statements})] if {
	statements := [statement |
		some [group, permission] in _granted(resource.inputs)
		some statement in _statements(group, permission, resource)
	]
	count(statements) > 0
} else := []

# An ACL is a small thing: what is not known in it is found in its text.
_shown(value) if not unknowns.some_unknown(split(json.marshal(value), `"`))

_granted(inputs) := array.concat(_canned(object.get(inputs, "acl", "")), _listed(inputs))

_listed(inputs) := array.concat(
	[[grant.grantee.uri, grant.permission] | some grant in inputs.accessControlPolicy.grants],
	[[grant.uri, permission] | some grant in inputs.grants; some permission in grant.permissions],
)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
_canned("authenticated-read") := [[_authenticated, "READ"]]

_canned("public-read") := [[_all, "READ"]]

_canned("public-read-write") := [[_all, "READ"], [_all, "WRITE"]]

_canned(acl) := [] if not acl in {"authenticated-read", "public-read", "public-read-write"}

_all := "http://acs.amazonaws.com/groups/global/AllUsers"

_authenticated := "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"

_groups := {
	_all: {"name": "AllUsers", "principal": "*"},
	_authenticated: {"name": "AuthenticatedUsers", "principal": {"AWS": "*"}},
}

_statements(uri, permission, resource) := [{
	"Sid": concat("", [permitted.title, "For", group.name]),
	"Effect": "Allow",
	"Principal": group.principal,
	"Action": permitted.actions,
	"Resource": concat("", [_arn(resource), permitted.behind]),
} |
	group := _groups[uri]
	some permitted in _permissions[_of(resource)]
	permission in {permitted.permission, "FULL_CONTROL"}
]

_of(resource) := "object" if resource.inputs.key

else := "bucket"

_arn(resource) := concat("", [bucket, "/", resource.inputs.key]) if {
	resource.inputs.key
	bucket := _bucket(resource)
} else := _bucket(resource)

_bucket(resource) := concat("", ["arn:", resource.partition, ":s3:::", name]) if name := stacks.bucket_name(resource)

else := concat("", ["arn:", resource.partition, ":s3:::bucket"])

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
_permissions := {
	"bucket": [
		{
			"permission": "READ", "title": "Read", "behind": "",
			"actions": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"],
		},
		{"permission": "READ_ACP", "title": "ReadAcl", "behind": "", "actions": ["s3:GetBucketAcl"]},
		{"permission": "WRITE", "title": "Write", "behind": "/*", "actions": ["s3:DeleteObject", "s3:PutObject"]},
		{"permission": "WRITE_ACP", "title": "WriteAcl", "behind": "", "actions": ["s3:PutBucketAcl"]},
	],
	"object": [
		{"permission": "READ", "title": "Read", "behind": "", "actions": ["s3:GetObject", "s3:GetObjectVersion"]},
		{"permission": "READ_ACP", "title": "ReadAcl", "behind": "", "actions": ["s3:GetObjectAcl", "s3:GetObjectVersionAcl"]},
		{"permission": "WRITE_ACP", "title": "WriteAcl", "behind": "", "actions": ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]},
	],
}
