package iam.resources_test

import data.iam.preparation
import data.iam.resources

_request := {
	"action": "s3:GetObject",
	"resource": {"resource": "arn:aws:s3:::b/home/alice/k", "accountId": "987654321098"},
	"context": {"aws:username": "alice", "tag/wild": "a*", "tag/unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
}

_covers(statement, version) := truth if {
	policy := {"Version": version, "Statement": object.union({"Effect": "Allow", "Action": "s3:GetObject"}, statement)}
	element := preparation.document(policy).statements[0].resource
	truth := resources.covers(element) with input.request as _request
}

test_covers[note] if {
	some note, case in {
		"a pattern": {"statement": {"Resource": "arn:aws:s3:::b/*"}, "truth": 1},
		"another bucket": {"statement": {"Resource": "arn:aws:s3:::c/*"}, "truth": -1},
		"one of several": {"statement": {"Resource": ["arn:aws:s3:::c/*", "arn:aws:s3:::b/home/*"]}, "truth": 1},
		"NotResource with it": {"statement": {"NotResource": "arn:aws:s3:::b/*"}, "truth": -1},
		"NotResource without it": {"statement": {"NotResource": ["arn:aws:s3:::c", "arn:aws:s3:::c/*"]}, "truth": 1},
		"an open Resource": {"statement": {"Resource": "arn:aws:S3:::b/*"}, "truth": 0},
		"an open NotResource": {"statement": {"NotResource": "arn:aws:S3:::b/*"}, "truth": 0},
		"no element, as in a trust policy": {"statement": {}, "truth": 1},
		"a variable": {"statement": {"Resource": "arn:aws:s3:::b/home/${aws:username}/*"}, "truth": 1},
		"a variable beside a pattern": {
			"statement": {"Resource": ["arn:aws:s3:::c", "arn:aws:s3:::b/home/${aws:username}/*"]},
			"truth": 1,
		},
		"a variable with a wildcard": {"statement": {"Resource": "arn:aws:s3:::b/home/${tag/wild}/k"}, "truth": 0},
		"a variable with an unknown value": {"statement": {"Resource": "arn:aws:s3:::b/home/${tag/unknown}"}, "truth": 0},
		"a variable without a value": {"statement": {"Resource": "arn:aws:s3:::b/home/${tag/none}/*"}, "truth": -1},
		"NotResource with a variable without a value": {
			"statement": {"NotResource": "arn:aws:s3:::b/home/${tag/none}/*"},
			"truth": 1,
		},
		"a variable in front of the fifth colon": {"statement": {"Resource": "arn:aws:${tag/s3}:::b/*"}, "truth": -1},
		"an unknown resource": {"statement": {"Resource": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "truth": 0},
	}
	_covers(case.statement, "2012-10-17") == case.truth
}

test_the_older_version_has_no_variables if {
	_covers({"Resource": "arn:aws:s3:::b/home/${aws:username}/*"}, "2008-10-17") == -1
}
