package iam.actions_test

import data.iam.actions

test_expansion if {
	actions.expansion("s3:GetObject") == {"s3:GetObject"}
	actions.expansion("S3:getobjec?") == {"s3:GetObject"}
	{"sqs:SendMessage", "s3:ListBucket"} - actions.expansion("*") == set()
	actions.expansion("nothing:*") == set()
}

test_levels if {
	actions.levels["s3:PutBucketPolicy"] == "Permissions management"
}

test_known[action] if {
	some action in ["s3:PutObject", "s3:putobject", "S3:PUTOBJECT"]
	actions.known(action).access == "Write"
	"object" in actions.types(action)
}

test_what_the_catalogue_does_not_have[action] if {
	some action in ["s3:PutObjects", "ec2:RunInstances", "s3:*", "*"]
	not actions.known(action)
	actions.types(action) == set()
}

test_permissions if {
	"ecr:setrepositorypolicy" in actions.permissions
	not "s3:putbucketpolicy" in actions.permissions # which the catalogue has among all of S3
}

test_formats if {
	[format] := [one | some one in actions.formats("s3:getobject"); one.region == ""]
	format.service == "s3"
	regex.match(format.expression, "b/dir/key")
	not regex.match(format.expression, "b")
	[role] := [one | some one in actions.formats("iam:PassRole")]
	role.literal == "role/"
}

test_on if {
	"s3:ListBucket" in actions.on("s3", "bucket")
	not "s3:ListBucket" in actions.on("s3", "object")
	"s3:GetObject" in actions.on("s3", "object")
}
