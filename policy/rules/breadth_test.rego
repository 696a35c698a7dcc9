package iam.breadth_test

import data.iam.breadth

test_patterns if {
	breadth.patterns({"source": {"Action": "s3:GetObject"}}) == []
	[one] := breadth.patterns({"source": {"Action": ["s3:GetObject", "s3:*"]}})
	one.severity == "critical"
	[all_but] := breadth.patterns({"source": {"NotAction": "s3:GetObject"}})
	all_but.severity == "critical"
}

test_controlling if {
	breadth.controlling({"source": {"Action": ["s3:GetObject", "s3:PutBucketAcl", "iam:PassRole"], "Resource": "*"}}) == {"s3:PutBucketAcl", "iam:PassRole"}
}
