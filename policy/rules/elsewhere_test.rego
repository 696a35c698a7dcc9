package pulumi.elsewhere_test

import data.pulumi.elsewhere

_statement := {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}

_open := json.marshal({"Statement": _statement})

_of_a_group := json.marshal({"Statement": [object.remove(_statement, ["Principal"])]})

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

test_policies[name] if {
	some name, case in {
		"a policy": {"inputs": {"policy": _open}, "want": [["other", _open]]},
		"by any name": {"inputs": {"rules": _open}, "want": [["other", _open]]},
		"a list of statements": {"inputs": {"policy": json.marshal({"Statement": [_statement]})}, "want": [["other", json.marshal({"Statement": [_statement]})]]},
		"without principals": {"inputs": {"inlinePolicy": _of_a_group}, "want": [["identity", _of_a_group]]},
		"deeper": {"inputs": {"details": {"name": "m", "policy": _open}}, "want": [["other", _open]]},
		"not known": {"inputs": {"resourcePolicy": _unknown}, "want": [["other", _unknown]]},
		"not known, by its document": {"inputs": {"policyDocument": _unknown}, "want": [["other", _unknown]]},
		"not known, and something else": {"inputs": {"policyArn": _unknown, "name": _unknown}, "want": []},
		"no JSON": {"inputs": {"policy": `{"Statement": `}, "want": [["other", `{"Statement": `]]},
		"a policy of another kind": {"inputs": {"policy": `{"rules": []}`, "policyType": "TargetTrackingScaling"}, "want": []},
		"words": {"inputs": {"description": "Statement of accounts", "tags": {"policy": "none"}, "details": "none"}, "want": []},
	}
	found := elsewhere.policies({"type": "aws:cloudwatch/eventBusPolicy:EventBusPolicy", "inputs": case.inputs})
	[[one.kind, one.text] | some one in found] == case.want
}

test_what_only_bounds if {
	elsewhere.policies({"type": "aws:ec2/vpcEndpoint:VpcEndpoint", "inputs": {"policy": _open}}) == []
	elsewhere.policies({"type": "aws:organizations/policy:Policy", "inputs": {"content": _open}}) == []
	elsewhere.policies({"type": "kubernetes:core/v1:ConfigMap", "inputs": {"policy": _open}}) == []
}
