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
	actions.levels_in_lower_case["s3:putobject"] == "Write"
}

test_on if {
	"s3:ListBucket" in actions.on("s3", "bucket")
	not "s3:ListBucket" in actions.on("s3", "object")
	"s3:GetObject" in actions.on("s3", "object")
}
