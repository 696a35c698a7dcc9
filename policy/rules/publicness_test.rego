package iam.publicness_test

import data.iam.publicness

_allow(more) := {"Version": "2012-10-17", "Statement": object.union({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, more)}

_if(condition) := _allow({"Principal": "*", "Condition": condition})

test_truth[name] if {
	some name, case in {
		"everybody": [_allow({"Principal": "*"}), 1],
		"everybody in a list": [_allow({"Principal": {"AWS": ["*", "123456789012"]}}), 1],
		"all but one": [_allow({"NotPrincipal": {"AWS": "123456789012"}}), 1],
		"one role": [_allow({"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}}), -1],
		"a denial": [_allow({"Principal": "*", "Effect": "Deny"}), -1],
		"an endpoint": [_if({"StringEquals": {"aws:SourceVpce": "vpce-1"}}), -1],
		"several accounts": [_if({"StringEquals": {"aws:SourceAccount": ["123456789012", "987654321098"]}}), -1],
		"any endpoint": [_if({"StringLike": {"aws:SourceVpce": "vpce-*"}}), 0],
		"all but one endpoint": [_if({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), 0],
		"an endpoint among others": [_if({"ForAnyValue:StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), 0],
		"an endpoint, if it is one": [_if({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), 0],
		"a network": [_if({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), -1],
		"every network": [_if({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), 0],
		"an organization": [_if({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), 0],
		"https only": [_if({"Bool": {"aws:SecureTransport": "true"}}), 1],
	}
	publicness.truth(case[0]) == case[1]
}
