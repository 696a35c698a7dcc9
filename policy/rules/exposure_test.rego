package iam.exposure_test

import data.iam.exposure

_attached := {"arn": "arn:aws:s3:::b", "account": "987654321098"}

_allow(change) := {"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, change)]}

test_open_statements if {
	exposure.open_statements(_allow({"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}}), _attached) == []
	[pattern] := exposure.open_statements(_allow({"Principal": "*", "Action": "sqs:SendMess*"}), _attached)
	pattern.witness.action == "sqs:SendMessage"
	[unheard] := exposure.open_statements(_allow({"Principal": "*", "Action": "nothing:*"}), _attached)
	unheard.severity == "critical"
	[open] := exposure.open_statements(_allow({"Principal": "*"}), _attached)
	open.severity == "critical"
	open.witness.principal == "anonymous"
	[bounded] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}), _attached)
	bounded == {"index": 0, "severity": "medium", "witness": null}
}

test_a_witness_is_not_over_plain_http_unless_it_has_to_be if {
	https := {"Bool": {"aws:SecureTransport": ["true", "false"]}}
	[open] := exposure.open_statements(_allow({"Principal": "*", "Condition": https}), _attached)
	open.witness.context == {"aws:securetransport": "true"}
	[plain] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), _attached)
	plain.severity == "critical"
	plain.witness.context == {"aws:securetransport": "false"}
}

_deny(change) := object.union({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}, change)

_statements(allow, deny) := {"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}, allow), deny]}

test_a_deny_of_some_resources_bounds_nobody[name] if {
	some name, case in {
		"of one folder": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {"Resource": "arn:aws:s3:::b/x*"}, "want": "critical"},
		"of some in a folder": {"allow": {"Resource": "arn:aws:s3:::b/data/*"}, "deny": {"Resource": "arn:aws:s3:::b/data/x*"}, "want": "critical"},
		"of all": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {}, "want": "medium"},
		"of all but a folder": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {"Resource": null, "NotResource": "arn:aws:s3:::b/open/*"}, "want": "critical"},
		"of all that the pattern means": {"allow": {"Resource": "*"}, "deny": {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}, "want": "medium"},
		"of another folder than what is left out": {"allow": {"NotResource": "arn:aws:s3:::b/private/*"}, "deny": {"Resource": "arn:aws:s3:::b/x/*"}, "want": "critical"},
	}
	deny := json.filter(_deny(case.deny), [key | some key, value in _deny(case.deny); value != null])
	[open] := exposure.open_statements(_statements(case.allow, deny), _attached)
	open.severity == case.want
}

test_the_resource_of_a_witness if {
	both := {"Principal": "*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}
	[object_] := exposure.open_statements(_allow(both), _attached)
	object_.witness.resource == "arn:aws:s3:::b/x"
	[bucket] := exposure.open_statements(_allow(object.union(both, {"Action": "s3:ListBucket"})), _attached)
	bucket.witness.resource == "arn:aws:s3:::b"
	[unnamed] := exposure.open_statements({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}, _attached)
	unnamed.witness.resource == "arn:aws:s3:::b"
	[none] := exposure.open_statements({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "NotResource": "*"}}, _attached)
	none.severity == "medium"
}

test_too_much_to_try if {
	many := {sprintf("aws:PrincipalTag/%d", [i]): "v" | some i in numbers.range(1, 9)}
	[open] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"StringEquals": many}}), _attached)
	open == {"index": 0, "severity": "high", "witness": null}
}

test_accounts if {
	named := [["AWS", "123456789012"], ["AWS", "arn:aws:iam::987654321098:root"], ["AWS", "arn:aws:iam::123456789012:role/R"]]
	exposure.accounts({"principal": {"covers": true, "names": named}}) == {"123456789012", "987654321098"}
}

test_only_delegates if {
	exposure.only_delegates({"principal": {"names": [["AWS", "987654321098"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": [["AWS", "123456789012"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": [["AWS", "987654321098"], ["AWS", "123456789012"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": "everyone"}}, _attached)
}
