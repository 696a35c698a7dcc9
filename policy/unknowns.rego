# METADATA
# title: Unknown values
# description: |
#   Pulumi shows a value that is only known after a deployment as a fixed text, and a secret as `[secret]`. What stands in their place
#   can be anything: nothing that hangs on such a text is decided.
# related_resources:
#   - description: The names of the unknown values, package plugin of Pulumi's Go SDK
#     ref: https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin
package iam.unknowns

# METADATA
# scope: document
# title: The text is unknown, whole or in part
# description: True or undefined.
unknown(text) if {
	contains(text, "-4") # all of them are random UUIDs, whose third group begins so: most texts are done here
	some stand_in in _stand_ins
	contains(text, stand_in)
}

unknown("[secret]")

# METADATA
# scope: document
# title: One of the texts is unknown, whole or in part
# description: True or undefined.
some_unknown(texts) if unknown(concat("\n", texts))

some_unknown(texts) if "[secret]" in texts

_stand_ins := {
	"04da6b54-80e4-46f7-96ec-b56ff0331ba9", # string
	"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", # bool
	"3eeb2bf0-c639-47a8-9e75-3b44932eb421", # number
	"6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", # array
	"030794c1-ac77-496b-92df-f27374a8bd58", # asset
	"e48ece36-62e2-4504-bad9-02848725956a", # archive
	"dd056dcd-154b-4c76-9bd3-c8f88648b5ff", # object
}
