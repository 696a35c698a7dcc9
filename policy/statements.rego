# METADATA
# title: Statements
# description: What the statements of a prepared document make of the request.
# related_resources:
#   - description: IAM JSON policy elements, Statement
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
package iam.statements

import data.iam.conditions
import data.iam.principals
import data.iam.request
import data.iam.resources

# METADATA
# title: The effects of documents without principals
# description: |
#   A set of `[effect, truth]`: truth is 1 for a statement that matches the request and 0 for one of which that is not settled.
effects(documents) := {[statement.effect, truth] |
	some document in documents
	some statement in document.statements
	regex.match(statement.action.pattern, request.action) == statement.action.covers
	truth := _matches(statement)
	truth > -1
}

# METADATA
# title: The effects of documents with principals
# description: As `effects`, but of `[effect, truth, name]`, where name is how the statement calls the principal (see `iam.principals`).
named_effects(documents) := {[statement.effect, min([truth, named]), name] |
	some document in documents
	some statement in document.statements
	regex.match(statement.action.pattern, request.action) == statement.action.covers
	truth := _matches(statement)
	truth > -1
	some [name, named] in principals.names(statement)
}

_matches(statement) := min([statement.action.truth, resource, condition]) if {
	resource := resources.covers(statement.resource)
	resource > -1
	condition := conditions.holds(statement.conditions)
}
