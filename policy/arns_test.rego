package iam.arns_test

import data.iam.arns
import data.iam.patterns

test_kind[arn] if {
	some arn, kind in {
		"arn:aws:s3:::bucket/key:with/all": "plain",
		"arn:aws:sqs:us-east-1:123456789012:queue": "plain",
		"arn:aws:sns:us-east-1:123456789012:topic:sub": "plain",
		"arn:aws:s3:us-east-1:123456789012:accesspoint/name": "typed",
		"arn:aws:lambda:us-east-1:123456789012:function:name": "typed",
		"arn:aws:iam::123456789012:user/name": "typed",
		"arn:aws:iam::123456789012:role/name": "role",
	}
	arns.kind(arn) == kind
}

test_a_text_that_is_no_arn_has_no_kind[text] if {
	some text in ["*", "", "arn:aws:s3::b", "urn:aws:s3:::b"]
	not arns.kind(text)
}

test_matchers[note] if {
	some note, case in {
		"the same": {"pattern": "arn:aws:s3:::b", "arn": "arn:aws:s3:::b", "truth": 1},
		"a star alone": {"pattern": "*", "arn": "arn:aws:s3:::b/k", "truth": 1},
		"an object is not in its bucket's ARN": {"pattern": "arn:aws:s3:::b", "arn": "arn:aws:s3:::b/k", "truth": -1},
		"the rest takes in slashes and colons": {"pattern": "arn:aws:s3:::b/*", "arn": "arn:aws:s3:::b/k/l:m", "truth": 1},
		"the rest regards letter case": {"pattern": "arn:aws:s3:::B/*", "arn": "arn:aws:s3:::b/k", "truth": -1},
		"a wildcard in each component": {
			"pattern": "arn:*:sqs:us-*-?:*:q",
			"arn": "arn:aws:sqs:us-east-1:123456789012:q",
			"truth": 1,
		},
		"a wildcard does not cross a colon for certain": {"pattern": "arn:aws:s3*:b/k", "arn": "arn:aws:s3:::b/k", "truth": 0},
		"letter case of the service is open": {"pattern": "arn:aws:S3:::b", "arn": "arn:aws:s3:::b", "truth": 0},
		"another service is none": {"pattern": "arn:aws:sqs:::b", "arn": "arn:aws:s3:::b", "truth": -1},
		"a wildcard in the resource type is open": {
			"pattern": "arn:aws:lambda:us-east-1:123456789012:f*",
			"arn": "arn:aws:lambda:us-east-1:123456789012:function:x",
			"truth": 0,
		},
		"a wildcard behind the resource type is not": {
			"pattern": "arn:aws:lambda:us-east-1:123456789012:function:*",
			"arn": "arn:aws:lambda:us-east-1:123456789012:function:x",
			"truth": 1,
		},
		"a star for type and name is not": {
			"pattern": "arn:aws:lambda:us-east-1:123456789012:*",
			"arn": "arn:aws:lambda:us-east-1:123456789012:function:x",
			"truth": 1,
		},
		"buckets have no type": {"pattern": "arn:aws:s3:::b*", "arn": "arn:aws:s3:::bucket/k", "truth": 1},
		"letter case of a role's name is open": {
			"pattern": "arn:aws:iam::123456789012:role/App",
			"arn": "arn:aws:iam::123456789012:role/app",
			"truth": 0,
		},
		"letter case of a user's name is not": {
			"pattern": "arn:aws:iam::123456789012:user/App",
			"arn": "arn:aws:iam::123456789012:user/app",
			"truth": -1,
		},
		"what is no ARN is open": {"pattern": "b/*", "arn": "arn:aws:s3:::b/k", "truth": 0},
	}
	patterns.matches(arns.matchers([case.pattern])[arns.kind(case.arn)], case.arn) == case.truth
}

test_filled_in_what_only_the_loose_pattern_matches_is_open if {
	matchers := arns.filled_in({"strict": `arn:aws:s3:::b/\*`, "loose": "arn:aws:s3:::b/*"})
	patterns.matches(matchers.plain, "arn:aws:s3:::b/*") == 1
	patterns.matches(matchers.plain, "arn:aws:s3:::b/k") == 0
	patterns.matches(matchers.plain, "arn:aws:s3:::c") == -1
}

test_filled_in_with_an_unknown_value_nothing_is_certain if {
	matchers := arns.filled_in({"strict": null, "loose": "arn:aws:s3:::b/*"})
	patterns.matches(matchers.plain, "arn:aws:s3:::b/k") == 0
}
