package pulumi.regions_test

import data.pulumi.regions

_provider := {"urn": "urn:pulumi:s::p::pulumi:providers:aws::default", "type": "pulumi:providers:aws", "inputs": {"region": "eu-west-1"}}

test_found if {
	preview := {"config": {"aws:region": "us-east-1"}, "steps": [{"op": "create", "newState": {"urn": "urn:pulumi:s::p::a:b:C::n"}}]}
	regions.found == {["s", "us-east-1"]} with input as preview
	regions.found == {["s", "eu-west-1"]} with input as {"deployment": {"resources": [_provider]}}
	regions.found == set() with input as {"deployment": {"resources": []}}
}
