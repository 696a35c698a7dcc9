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
