package pulumi.stacks_test

import data.pulumi.stacks

_state := {"urn": "urn:pulumi:s::p::a:b:C::n", "type": "a:b:C"}

test_files if {
	stacks.files == [{"path": "", "contents": {"steps": []}}] with input as {"steps": []}
	stacks.files == [{"path": "p", "contents": {}}, {"path": "", "contents": {"x": 1}}] with input as [{"path": "p", "contents": {}}, {"x": 1}]
}

test_resources if {
	[one] := stacks.resources with input as {"steps": [{"op": "create", "newState": _state}, {"op": "delete"}, {"op": "replace", "newState": _state}]}
	one == {"stack": "s", "urn": _state.urn, "type": "a:b:C", "name": "n", "account": "", "inputs": {}, "outputs": {}}
	count(stacks.resources) == 1 with input as {"deployment": {"resources": [_state, object.union(_state, {"delete": true})]}}
	count(stacks.resources) == 0 with input as {"something": "else"}
}

test_incomplete if {
	stacks.incomplete({"steps": [{"op": "same"}], "changeSummary": {"same": 1}}) == set()
	count(stacks.incomplete({"steps": [], "changeSummary": {"same": 1}})) == 1
	count(stacks.incomplete({"diagnostics": [{"severity": "error"}]})) == 1
}
