package account

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// bind finds what AWS keeps of the principals of a policy instead of their ARNs: the unique ids of the roles it names, by ARN. A
// principal that does not exist is an error that names it.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
func (w *World) bind(document string) (map[string]string, error) {
	ids := map[string]string{}
	var problem error
	_, err := mapPrincipals(document, func(principal string) string {
		if role := w.roles[principal]; role != nil {
			ids[principal] = role.UniqueID
		} else if err := w.exists(principal); err != nil && problem == nil {
			problem = err
		}
		return principal
	})
	if err != nil {
		return nil, err
	}
	return ids, problem
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	deadID    = regexp.MustCompile(`^(AROA|AIDA)[A-Z0-9]{16,}$`)
)

// exists says whether a principal that is no role of the lab's accounts is one all the same.
func (w *World) exists(principal string) error {
	if principal == "*" {
		return nil
	}
	if deadID.MatchString(principal) {
		// AWS hands such ids out itself, for a principal that was deleted, and takes back what it handed out only while it lives.
		for _, role := range w.roles {
			if role.UniqueID == principal {
				return nil
			}
		}
		return fmt.Errorf("%q is the id of a role or user that does not exist", principal)
	}
	if accountID.MatchString(principal) {
		principal = "arn:aws:iam::" + principal + ":root"
	}
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return fmt.Errorf("%q is no principal", principal)
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch {
	case parts[1] != "aws":
		return fmt.Errorf("%q is of the partition %q, and the lab is in aws", principal, parts[1])
	case !w.knows(parts[4]):
		return fmt.Errorf("%q is of an account that the lab does not have", principal)
	case parts[2] == "iam" && parts[5] == "root":
		return nil
	case parts[2] == "sts" && kind == "assumed-role":
		// AWS does not look whether there is such a session, nor such a role.
		if role, session, _ := strings.Cut(name, "/"); role != "" && session != "" {
			return nil
		}
	}
	return fmt.Errorf("there is no %q", principal)
}

// render is a policy as AWS shows it: with the ARN of a role while the role lives that was meant, and with dead's word for it when
// that one is gone, also when another has its name.
func (w *World) render(document string, ids map[string]string, dead func(arn, id string) string) string {
	isDead := func(principal string) bool {
		id, bound := ids[principal]
		role := w.roles[principal]
		return bound && (role == nil || role.UniqueID != id)
	}
	alive := true
	rendered, err := mapPrincipals(document, func(principal string) string {
		if !isDead(principal) {
			return principal
		}
		alive = false
		return dead(principal, ids[principal])
	})
	if err != nil || alive {
		return document
	}
	return rendered
}

// mapPrincipals gives the document with each principal of the kind AWS (and each "*") replaced by what change makes of it.
func mapPrincipals(document string, change func(principal string) string) (string, error) {
	var read map[string]any
	if err := json.Unmarshal([]byte(document), &read); err != nil {
		return "", err
	}
	each := func(value any) any {
		switch value := value.(type) {
		case string:
			return change(value)
		case []any:
			value = slices.Clone(value)
			for i, element := range value {
				if text, isText := element.(string); isText {
					value[i] = change(text)
				}
			}
			return value
		}
		return value
	}
	statements, isList := read["Statement"].([]any)
	if !isList {
		statements = []any{read["Statement"]}
	}
	for _, statement := range statements {
		statement, isObject := statement.(map[string]any)
		if !isObject {
			continue
		}
		for _, element := range []string{"Principal", "NotPrincipal"} {
			switch principal := statement[element].(type) {
			case string:
				statement[element] = change(principal)
			case map[string]any:
				if named, has := principal["AWS"]; has {
					principal["AWS"] = each(named)
				}
			}
		}
	}
	text, err := json.Marshal(read)
	return string(text), err
}
