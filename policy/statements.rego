# METADATA
# title: Statements
# description: What the statements of a policy document make of the request.
# related_resources:
#   - description: IAM JSON policy elements, Statement
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
package iam.statements

import data.iam.conditions
import data.iam.principals
import data.iam.resources

# METADATA
# title: The statements of a document
# description: Always an array. A document that is not known yet has none.
list(document) := document.Statement if is_array(document.Statement)
else := [document.Statement] if is_object(document.Statement)
else := []

# METADATA
# title: The version of a document
version(document) := object.get(document, "Version", "2008-10-17")

# METADATA
# title: The effects of a document without principals
# description: |
#   A set of `[effect, truth]`, where truth is 1 for a statement that matches the request and 0 for one of which that is not settled. An
#   unknown document may do anything.
effects(document) := {[statement.Effect, truth] |
	some statement in list(document)
	truth := matches(statement, version(document))
	truth > -1
} if {
	is_object(document)
}
else := {["Allow", 0], ["Deny", 0]}

# METADATA
# title: The effects of a document with principals
# description: As `effects`, but of `[effect, name, truth]`, where name is how the statement calls the principal.
named_effects(document) := {[statement.Effect, name, min([truth, named])] |
	some statement in list(document)
	truth := matches(statement, version(document))
	truth > -1
	some [name, named] in principals.names(statement)
} if {
	is_object(document)
}
else := {["Allow", "everyone", 0], ["Deny", "everyone", 0]}

# METADATA
# title: How far a statement matches the request
# description: By its action, resource and conditions; a principal is not regarded. Undefined or -1 for a statement that does not match.
matches(statement, version_of_document) := min([action, resource, condition]) if {
	action := resources.action(statement)
	action > -1
	resource := resources.resource(statement, version_of_document)
	resource > -1
	condition := conditions.holds(statement, version_of_document)
}
