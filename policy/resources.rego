# METADATA
# title: Resources
# description: How far the Resource and NotResource elements of a prepared statement cover the request.
# related_resources:
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.resources

import data.iam.arns
import data.iam.patterns
import data.iam.request
import data.iam.variables

# METADATA
# title: How far a prepared Resource or NotResource element covers the resource
covers(element) := 1 if {
	element.covers
	regex.match(element.matchers[request.resource_kind].certain, request.resource)
}

else := _sense(element.covers, patterns.matches(element.matchers[request.resource_kind], request.resource)) if {
	element.templates == []
}

else := _sense(element.covers, max({truth |
	some matchers in array.concat([element.matchers], _filled_in(element.templates))
	truth := patterns.matches(matchers[request.resource_kind], request.resource)
}))

_filled_in(templates) := [arns.filled_in(filled) |
	some template in templates
	filled := variables.fill_in(template, true)
]

_sense(true, truth) := truth

_sense(false, truth) := 0 - truth
