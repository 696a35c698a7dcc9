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
	some action in ["s3:PutObjects", "iam:PassRole", "s3:*", "*"]
	not actions.known(action)
	actions.types(action) == set()
}

test_on if {
	"s3:ListBucket" in actions.on("s3", "bucket")
	not "s3:ListBucket" in actions.on("s3", "object")
	"s3:GetObject" in actions.on("s3", "object")
}
