package policy

import (
	"encoding/json"
	"strings"
)

// What stands in a Pulumi preview for a value that is not known yet, one for each kind of value
// (github.com/pulumi/pulumi/sdk/v3, go/common/resource/plugin, the Unknown…Value constants), and for a secret. They are
// repeated here because this package must not depend on Pulumi.
const (
	unknownBool    = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"
	unknownNumber  = "3eeb2bf0-c639-47a8-9e75-3b44932eb421"
	unknownString  = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	unknownArray   = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"
	unknownAsset   = "030794c1-ac77-496b-92df-f27374a8bd58"
	unknownArchive = "e48ece36-62e2-4504-bad9-02848725956a"
	unknownObject  = "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"
	secret         = "[secret]"
)

// UnknownPolicy stands in a Case for a policy that nobody has shown: what hangs on it is undetermined.
func UnknownPolicy() json.RawMessage { return json.RawMessage(`"` + unknownString + `"`) }

// IsUnknownPolicy says whether a policy's text is one that nobody has shown.
func IsUnknownPolicy(text json.RawMessage) bool {
	return len(text) > 0 && text[0] == '"' && IsUnknown(string(text))
}

// IsUnknown says whether s is the mark of a value that a preview does not show, secret or not known yet, or has an unknown value
// within it. Such a value may turn out to be anything, so nothing that hangs on it is ever decided in favour of the request.
func IsUnknown(s string) bool {
	if s == secret {
		return true
	}
	// Every other mark is a UUID of 36 characters, and most strings in a policy are shorter.
	if len(s) < len(unknownString) {
		return false
	}
	for _, mark := range [...]string{
		unknownString, unknownBool, unknownNumber, unknownArray, unknownObject, unknownAsset, unknownArchive,
	} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	return false
}
