# METADATA
# title: Statements
# description: What the statements of a prepared document make of the request.
# related_resources:
#   - description: IAM JSON policy elements, Statement
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
package iam.statements

import data.iam.conditions
import data.iam.request
import data.iam.resources

# METADATA
# title: The effects of documents
# description: |
#   A set of `[effect, truth]`, without regard to principals: truth is 1 for a statement that matches the request and 0 for one of which
#   that is not settled.
effects(documents) := {[statement.effect, truth] |
	action := request.action
	some document in documents
	some statement in document.statements
	regex.match(statement.action.pattern, action) == statement.action.covers
	truth := matches(statement)
	truth > -1
}

# METADATA
# title: How far a statement about the action matches the request
# description: Without regard to its principal.
matches(statement) := min([statement.action.truth, resource, conditions.holds(statement.conditions)]) if {
	resource := resources.covers(statement.resource)
	resource > -1
}
else := -1
