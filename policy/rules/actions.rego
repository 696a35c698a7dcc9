# METADATA
# title: Actions
# description: What actions there are, from the catalogue, and which of them a pattern covers.
# related_resources:
#   - description: Actions, resources, and condition keys for AWS services
#     ref: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
package iam.actions

import data.catalogue
import data.iam.patterns

# METADATA
# title: All actions
# description: The access level (List, Read, Tagging, Write or Permissions management) of each action of the catalogue, by its name.
levels[concat(":", [service, name])] := action.access if {
	some service, entry in catalogue.services
	some name, action in entry.actions
}

# METADATA
# title: All actions, in lower case
# description: As levels, by the lower-case name.
levels_in_lower_case[lower(action)] := level if some action, level in levels

# METADATA
# title: Expansion
# description: The actions of the catalogue that a pattern of an Action element covers.
expansion(pattern) := {action |
	some action, _ in levels
	regex.match(expression, action)
} if {
	expression := concat("", ["^(?i:", patterns.expression(pattern), ")$"])
}

# METADATA
# title: Actions on a resource
# description: The actions of a service whose resource types in the catalogue include the given one.
on(service, resource_type) := {concat(":", [service, name]) |
	some name, action in catalogue.services[service].actions
	resource_type in action.resources
}

# METADATA
# title: Services
# description: The prefixes of the services of the catalogue.
services := object.keys(catalogue.services)

# METADATA
# title: Resource types
# description: The resource types of each action of the catalogue, by its name in lower case.
types_in_lower_case[lower(concat(":", [service, name]))] := {type | some type in action.resources} if {
	some service, entry in catalogue.services
	some name, action in entry.actions
}
