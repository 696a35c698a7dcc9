package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// conditionOperators are the operators of the policy language and what their values must look like
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html). Unlike condition keys,
// their names are case-sensitive: AWS refuses "stringEquals" with "Invalid Condition type".
var conditionOperators = map[string]valueCheck{
	"StringEquals":              checkText,
	"StringNotEquals":           checkText,
	"StringEqualsIgnoreCase":    checkText,
	"StringNotEqualsIgnoreCase": checkText,
	"StringLike":                checkText,
	"StringNotLike":             checkText,
	"NumericEquals":             checkText,
	"NumericNotEquals":          checkText,
	"NumericLessThan":           checkText,
	"NumericLessThanEquals":     checkText,
	"NumericGreaterThan":        checkText,
	"NumericGreaterThanEquals":  checkText,
	"DateEquals":                checkDate,
	"DateNotEquals":             checkDate,
	"DateLessThan":              checkDate,
	"DateLessThanEquals":        checkDate,
	"DateGreaterThan":           checkDate,
	"DateGreaterThanEquals":     checkDate,
	"Bool":                      checkBool,
	"BinaryEquals":              checkText,
	"IpAddress":                 checkCIDR,
	"NotIpAddress":              checkCIDR,
	"ArnEquals":                 checkText,
	"ArnNotEquals":              checkText,
	"ArnLike":                   checkText,
	"ArnNotLike":                checkText,
	"Null":                      checkBool,
}

// baseOperator strips what can stand around an operator's name: the set operator before it and IfExists behind it, which Null
// does not take
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
func baseOperator(operator string) string {
	operator = strings.TrimPrefix(strings.TrimPrefix(operator, "ForAllValues:"), "ForAnyValue:")
	if base, found := strings.CutSuffix(operator, "IfExists"); found && base != "Null" {
		return base
	}
	return operator
}

func (c *checker) checkCondition(value ast.Value) {
	condition, ok := value.(ast.Object)
	if !ok {
		if s, ok := value.(ast.String); !ok || !IsUnknown(string(s)) {
			c.report("Condition", "is %s, expected an object of operators", describe(value))
		}
		return
	}
	condition.Foreach(func(operator, keys *ast.Term) {
		name := string(operator.Value.(ast.String))
		at := "Condition." + name
		check, known := conditionOperators[baseOperator(name)]
		if !known {
			c.report(at, "unknown condition operator%s", suggestOperator(name))
			return
		}
		object, ok := keys.Value.(ast.Object)
		if !ok {
			if s, ok := keys.Value.(ast.String); !ok || !IsUnknown(string(s)) {
				c.report(at, "is %s, expected an object of condition keys and their values", describe(keys.Value))
			}
			return
		}
		object.Foreach(func(key, value *ast.Term) {
			c.checkConditionValues(at, string(key.Value.(ast.String)), value.Value, check)
		})
	})
}

func (c *checker) checkConditionValues(operator, key string, value ast.Value, check valueCheck) {
	if key == "" {
		c.report(operator, "has a condition key without a name")
	}
	array, ok := value.(*ast.Array)
	if !ok {
		if problem := checkScalar(value, check); problem != "" {
			c.report(operator+"."+key, "%s", problem)
		}
		return
	}
	if array.Len() == 0 {
		c.report(operator+"."+key, "is an empty array, expected at least one value")
	}
	for i := range array.Len() {
		if problem := checkScalar(array.Elem(i).Value, check); problem != "" {
			c.report(fmt.Sprintf("%s.%s[%d]", operator, key, i), "%s", problem)
		}
	}
}

// suggestOperator is the operator that was probably meant, or the list of them.
func suggestOperator(name string) string {
	prefix, base := "", name
	if before, after, found := strings.Cut(name, ":"); found {
		for _, set := range [...]string{"ForAllValues", "ForAnyValue"} {
			if strings.EqualFold(before, set) {
				prefix, base = set+":", after
			}
		}
		if prefix == "" {
			return `: what stands before the colon is neither "ForAllValues" nor "ForAnyValue"`
		}
	}
	suffix := ""
	if cut := len(base) - len("IfExists"); cut > 0 && strings.EqualFold(base[cut:], "IfExists") {
		base, suffix = base[:cut], "IfExists"
	}
	if strings.EqualFold(base, "Null") && suffix != "" {
		return ": Null asks whether the key exists and takes no IfExists"
	}
	for operator := range conditionOperators {
		if strings.EqualFold(operator, base) {
			return fmt.Sprintf(": operator names are case-sensitive, expected %q", prefix+operator+suffix)
		}
	}
	return ", expected one of String…, Numeric…, Date…, Bool, BinaryEquals, IpAddress, NotIpAddress, Arn… or Null as in the IAM User Guide"
}

// valueCheck says what is wrong with a condition's value, which is given as its text; empty means nothing.
type valueCheck func(text string, value ast.Value) string

// checkScalar checks one value of a condition. JSON booleans and numbers count as their text.
func checkScalar(value ast.Value, check valueCheck) string {
	switch value := value.(type) {
	case ast.String:
		if IsUnknown(string(value)) {
			return ""
		}
		return check(string(value), value)
	case ast.Boolean:
		if value {
			return check("true", value)
		}
		return check("false", value)
	case ast.Number:
		return check(string(value), value)
	default:
		return fmt.Sprintf("is %s, expected a string, number or boolean", describe(value))
	}
}

// checkText lets anything pass. What is no number or no ARN is not settled by AWS's documentation: the evaluator answers Undetermined where
// it matters.
func checkText(string, ast.Value) string { return "" }

func checkBool(text string, value ast.Value) string {
	if _, isNumber := value.(ast.Number); isNumber || strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
		return ""
	}
	return fmt.Sprintf(`%s is neither "true" nor "false"`, describe(value))
}

// dateLayouts are the profiles of ISO 8601 that the W3C note on date and time formats describes, which the IAM User Guide refers
// to.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"}

var epochSeconds = regexp.MustCompile(`^-?[0-9]{1,18}$`)

func checkDate(text string, value ast.Value) string {
	if epochSeconds.MatchString(text) {
		return ""
	}
	for _, layout := range dateLayouts {
		if _, err := time.Parse(layout, text); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("%s is not a date, expected ISO 8601 as in 2026-01-31T00:00:00Z or seconds since 1970", describe(value))
}

func checkCIDR(text string, value ast.Value) string {
	if _, err := netip.ParsePrefix(text); err == nil {
		return ""
	}
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return ""
	}
	return fmt.Sprintf("%s is not an IP address range, expected CIDR as in 203.0.113.0/24 or 2001:db8::/32", describe(value))
}
