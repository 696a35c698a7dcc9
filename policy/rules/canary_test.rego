package pulumi.canary_test

import data.pulumi.canary

test_silent if {
	canary.silent == set()
	canary.silent == {"wildcard-principal"} with data.iam.exposure.open_statements as []
	canary.silent == {"broad-actions"} with data.iam.breadth.patterns as []
	canary.silent == {"secure-transport"} with data.iam.transport.not_refused as false
}
