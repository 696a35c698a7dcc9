package pulumi.stacks_test

import data.pulumi.stacks

_state := {"urn": "urn:pulumi:s::p::a:b:C::n", "type": "a:b:C"}

test_files if {
	stacks.files == [{"path": "", "contents": {"steps": []}}] with input as {"steps": []}
	stacks.files == [{"path": "p", "contents": {}}, {"path": "", "contents": {"x": 1}}] with input as [{"path": "p", "contents": {}}, {"x": 1}]
}

test_resources if {
	[one] := stacks.resources with input as {"steps": [{"op": "create", "newState": _state}, {"op": "delete"}, {"op": "replace", "newState": _state}]}
	one == {"stack": "s", "urn": _state.urn, "type": "a:b:C", "name": "n", "account": "", "partition": "aws", "region": "us-east-1", "inputs": {}, "outputs": {}, "dependencies": {}, "trigger": null}
	count(stacks.resources) == 1 with input as {"deployment": {"resources": [_state, object.union(_state, {"delete": true})]}}
	count(stacks.resources) == 0 with input as {"something": "else"}
}

test_incomplete if {
	stacks.incomplete({"steps": [{"op": "same"}], "changeSummary": {"same": 1}}) == set()
	count(stacks.incomplete({"steps": [], "changeSummary": {"same": 1}})) == 1
	count(stacks.incomplete({"diagnostics": [{"severity": "error"}]})) == 1
}

_provider := {"type": "pulumi:providers:aws", "urn": "urn:pulumi:s::p::pulumi:providers:aws::x", "inputs": {"allowedAccountIds": `["123456789012"]`}}

_of_provider := object.union(_state, {"provider": concat("::", [_provider.urn, "1234"])})

_accounts(contents) := {resource.account | some resource in resources} if resources := stacks.resources with input as contents

test_the_account_is_the_provider_s_then_the_setting_s_then_that_of_the_arn if {
	_accounts({"config": {"aws:allowedAccountIds": `["987654321098"]`}, "steps": [{"op": "same", "newState": _state}]}) == {"987654321098"}
	_accounts({"deployment": {"resources": [_provider, _of_provider]}}) == {"", "123456789012"}
	listed := object.union(_provider, {"inputs": {"allowedAccountIds": ["111122223333"]}})
	_accounts({"deployment": {"resources": [listed, _of_provider]}}) == {"", "111122223333"}
	_accounts({"deployment": {"resources": [object.union(_state, {"outputs": {"arn": "arn:aws:iam::123456789012:role/r"}})]}}) == {"123456789012"}
}

_regions(contents) := {resource.region | some resource in resources} if resources := stacks.resources with input as contents

test_region if {
	_regions({"config": {"aws:region": "eu-west-1"}, "steps": [{"op": "same", "newState": _state}]}) == {"eu-west-1"}
	elsewhere := object.union(_provider, {"inputs": {"region": "eu-north-1"}})
	_regions({"config": {"aws:region": "eu-west-1"}, "steps": [{"op": "same", "newState": elsewhere}, {"op": "same", "newState": _of_provider}]}) == {"eu-west-1", "eu-north-1"}
	_regions({"deployment": {"resources": [object.union(_state, {"outputs": {"arn": "arn:aws:iam::123456789012:role/r"}})]}}) == {"us-east-1"}
}

_bucket(inputs) := {"urn": "urn:pulumi:s::p::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "inputs": inputs}

_policy(inputs) := {"urn": "urn:pulumi:s::p::aws:s3/bucketPolicy:BucketPolicy::q", "inputs": inputs, "dependencies": {"bucket": [_bucket({}).urn]}}

test_what_is_about_a_bucket_has_a_name_in_common_with_it if {
	given := {"deployment": {"resources": [_bucket({"bucket": "n"})]}}
	count(stacks.buckets) == 1 with input as given
	unknown := _policy({"bucket": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
	_bucket({}).urn in (stacks.names(unknown, "bucket") & stacks.names(_bucket({"bucket": "n"}), "bucket"))
	"n" in (stacks.names(_policy({"bucket": "n"}), "bucket") & stacks.names(_bucket({"bucket": "n"}), "bucket"))
	stacks.bucket_name(unknown) == "n" with input as given
	stacks.bucket_name(_policy({"bucket": "m"})) == "m" with input as given
	not stacks.bucket_name(_policy({})) with input as {"steps": []}
}

_partition(contents) := one.partition if [one] := stacks.resources with input as contents

test_partition if {
	_partition({"config": {"aws:region": "cn-north-1"}, "steps": [{"op": "same", "newState": _state}]}) == "aws-cn"
	_partition({"config": {"aws:region": "us-isob-east-1"}, "steps": [{"op": "same", "newState": _state}]}) == "aws-iso-b"
	_partition({"config": {"aws:region": "us-east-1"}, "steps": [{"op": "same", "newState": _state}]}) == "aws"
	_partition({"deployment": {"resources": [object.union(_state, {"outputs": {"arn": "arn:aws-us-gov:s3:::b"}})]}}) == "aws-us-gov"
	in_china := object.union(_provider, {"inputs": {"region": "cn-northwest-1"}})
	"aws-cn" in {resource.partition | some resource in stacks.resources} with input as {"deployment": {"resources": [in_china, _of_provider]}}
}
