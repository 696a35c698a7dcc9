package pulumi.acls_test

import data.pulumi.acls

_all := "http://acs.amazonaws.com/groups/global/AllUsers"

_authenticated := "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"

# The statements as [Sid, whether for everybody, resource].
_said(inputs) := [[statement.Sid, statement.Principal, statement.Resource] |
	some text in acls.texts({"type": "aws:s3/bucketAclV2:BucketAclV2", "urn": "u", "partition": "aws", "inputs": inputs, "dependencies": {}})
	some statement in json.unmarshal(text).Statement
]

test_texts[name] if {
	some name, case in {
		"private": {"inputs": {"bucket": "b", "acl": "private"}, "want": []},
		"for the logs": {"inputs": {"bucket": "b", "acl": "log-delivery-write"}, "want": []},
		"none": {"inputs": {"bucket": "b"}, "want": []},
		"public": {"inputs": {"bucket": "b", "acl": "public-read"}, "want": [["ReadForAllUsers", "*", "arn:aws:s3:::b"]]},
		"public, a bucket without a name": {"inputs": {"acl": "public-read"}, "want": [["ReadForAllUsers", "*", "arn:aws:s3:::bucket"]]},
		"public to write": {"inputs": {"bucket": "b", "acl": "public-read-write"}, "want": [["ReadForAllUsers", "*", "arn:aws:s3:::b"], ["WriteForAllUsers", "*", "arn:aws:s3:::b/*"]]},
		"for everybody with an account": {"inputs": {"bucket": "b", "acl": "authenticated-read"}, "want": [["ReadForAuthenticatedUsers", {"AWS": "*"}, "arn:aws:s3:::b"]]},
		"by grants": {
			"inputs": {"bucket": "b", "accessControlPolicy": {"grants": [
				{"grantee": {"type": "CanonicalUser", "id": "79a5"}, "permission": "FULL_CONTROL"},
				{"grantee": {"type": "Group", "uri": _all}, "permission": "WRITE_ACP"},
			]}},
			"want": [["WriteAclForAllUsers", "*", "arn:aws:s3:::b"]],
		},
		"by the bucket's own grants": {
			"inputs": {"bucket": "b", "grants": [
				{"type": "Group", "uri": _authenticated, "permissions": ["READ_ACP"]},
				{"type": "Group", "uri": "http://acs.amazonaws.com/groups/s3/LogDelivery", "permissions": ["WRITE"]},
			]},
			"want": [["ReadAclForAuthenticatedUsers", {"AWS": "*"}, "arn:aws:s3:::b"]],
		},
		"of an object": {"inputs": {"bucket": "b", "key": "k", "acl": "public-read"}, "want": [["ReadForAllUsers", "*", "arn:aws:s3:::b/k"]]},
		"all of an object": {
			"inputs": {"bucket": "b", "key": "k", "grants": [{"uri": _all, "permissions": ["FULL_CONTROL"]}]},
			"want": [[sid, "*", "arn:aws:s3:::b/k"] | some sid in ["ReadForAllUsers", "ReadAclForAllUsers", "WriteAclForAllUsers"]],
		},
	}
	_said(case.inputs) == case.want
}

test_not_known[inputs] if {
	some inputs in [
		{"bucket": "b", "acl": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
		{"bucket": "b", "grants": [{"uri": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "permissions": ["READ"]}]},
	]
	acls.texts({"inputs": inputs}) == [null]
}
