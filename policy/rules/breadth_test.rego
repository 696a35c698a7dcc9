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

test_the_severity_of_a_pattern[pattern] if {
	some pattern, want in {
		"iam:*": "critical", "i*:*": "critical", "*:Create*": "critical", "sso:Create*": "critical", "s3:Put*": "critical",
		"iam:Get*": "medium", "ec2:Describe*": "medium", "s3:GetObject*": "medium", "dynamodb:List*": "medium",
		"s3:PutObject?agging": "high", "ec2:Start*": "high", "ec2:*": "high", "s3:Gest*": "high",
	}
	[found] := breadth.patterns({"source": {"Action": pattern}})
	found.severity == want
}
