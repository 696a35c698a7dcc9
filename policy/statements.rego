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
	some document in documents
	some statement in document.statements
	truth := matches(statement)
}

# METADATA
# title: How far a statement matches the request
# description: Without regard to its principal; undefined for a statement that does not match.
matches(statement) := truth if {
	regex.match(statement.action.pattern, request.action) == statement.action.covers
	resource := resources.covers(statement.resource)
	resource > -1
	truth := min([statement.action.truth, resource, conditions.holds(statement.conditions)])
	truth > -1
}
