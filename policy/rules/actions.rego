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
levels := {concat(":", [service, name]): action.access | # regal ignore:prefer-set-or-object-rule
	some service, entry in catalogue.services
	some name, action in entry.actions
}

# METADATA
# title: Known action
# description: |
#   What the catalogue has of an action, in whatever letters it is written: its "access" level and the types of its "resources". Undefined
#   for an action that it does not have.
known(action) := entry if {
	[service, name] := split(action, ":")
	entry := catalogue.services[service].actions[name]
} else := entry if {
	# As nearly every action is written as AWS does, what is slower comes last.
	[service, name] := split(lower(action), ":")
	some title, entry in catalogue.services[service].actions
	lower(title) == name
}

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
# title: Permissions of other services
# description: |
#   The actions of the access level Permissions management of services whose other actions the catalogue does not have, in lower case.
permissions := {lower(concat(":", [service, name])) | # regal ignore:prefer-set-or-object-rule
	some service, names in catalogue.permissions
	some name in names
}

# METADATA
# title: Services
# description: The prefixes of the services of the catalogue.
services := object.keys(catalogue.services)

# METADATA
# title: Resource types
# description: The resource types of an action, empty for one that the catalogue does not have.
types(action) := {type | some type in known(action).resources}

# METADATA
# title: Formats
# description: |
#   What the ARNs of the resource types of an action look like, as {"format", "service", "region", "account", "literal", "expression"}: the
#   format is as in the catalogue, the literal what the part behind the account begins with, and the expression all of that part.
formats(action) := {_formats[lower(split(action, ":")[0])][type] | some type in types(action)}

# Worked out once, not anew for each action.
# regal ignore:prefer-set-or-object-rule
_formats := {service: {type: _format(format) | some type, format in entry.resources} | some service, entry in catalogue.services}

_format(format) := {
	"format": format, "service": parts[2], "region": parts[3], "account": parts[4],
	"literal": regex.replace(local, `\$.*$`, ""),
	"expression": concat("", ["^", regex.replace(regex.replace(local, _names, `[^/]+`), `\$\{[^}]+\}`, ".+"), "$"]),
} if {
	parts := split(format, ":")
	local := concat(":", array.slice(parts, 5, count(parts)))
}

# Names with a slash behind them are those of something else.
_names := `\$\{(?:BucketName|AccessPointName)\}`
