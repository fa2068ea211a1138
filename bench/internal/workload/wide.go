package workload

import "github.com/lightstream-go/lightstream/bench/tables/matrix"

// FillWide sets rows to those of batch number seed, from row from on.
func FillWide(rows []matrix.Wide, from int, seed uint64) {
	for i := range rows {
		n := from + i + int(seed)
		rows[i] = matrix.Wide{
			C00: int64(n + 0), C01: float64(n + 1), C02: int32(n + 2), C03: float32(n + 3),
			C04: int64(n + 4), C05: float64(n + 5), C06: int32(n + 6), C07: float32(n + 7),
			C08: int64(n + 8), C09: float64(n + 9), C10: int32(n + 10), C11: float32(n + 11),
			C12: int64(n + 12), C13: float64(n + 13), C14: int32(n + 14), C15: float32(n + 15),
			C16: int64(n + 16), C17: float64(n + 17), C18: int32(n + 18), C19: float32(n + 19),
			C20: int64(n + 20), C21: float64(n + 21), C22: int32(n + 22), C23: float32(n + 23),
			C24: int64(n + 24), C25: float64(n + 25), C26: int32(n + 26), C27: float32(n + 27),
			C28: int64(n + 28), C29: float64(n + 29), C30: int32(n + 30), C31: float32(n + 31),
			C32: int64(n + 32), C33: float64(n + 33), C34: int32(n + 34), C35: float32(n + 35),
			C36: int64(n + 36), C37: float64(n + 37), C38: int32(n + 38), C39: float32(n + 39),
			C40: int64(n + 40), C41: float64(n + 41), C42: int32(n + 42), C43: float32(n + 43),
			C44: int64(n + 44), C45: float64(n + 45), C46: int32(n + 46), C47: float32(n + 47),
			C48: int64(n + 48), C49: float64(n + 49), C50: int32(n + 50), C51: float32(n + 51),
			C52: int64(n + 52), C53: float64(n + 53), C54: int32(n + 54), C55: float32(n + 55),
			C56: int64(n + 56), C57: float64(n + 57), C58: int32(n + 58), C59: float32(n + 59),
			C60: int64(n + 60), C61: float64(n + 61), C62: int32(n + 62), C63: float32(n + 63),
			C64: int64(n + 64), C65: float64(n + 65), C66: int32(n + 66), C67: float32(n + 67),
			C68: int64(n + 68), C69: float64(n + 69), C70: int32(n + 70), C71: float32(n + 71),
			C72: int64(n + 72), C73: float64(n + 73), C74: int32(n + 74), C75: float32(n + 75),
			C76: int64(n + 76), C77: float64(n + 77), C78: int32(n + 78), C79: float32(n + 79),
			C80: int64(n + 80), C81: float64(n + 81), C82: int32(n + 82), C83: float32(n + 83),
			C84: int64(n + 84), C85: float64(n + 85), C86: int32(n + 86), C87: float32(n + 87),
			C88: int64(n + 88), C89: float64(n + 89), C90: int32(n + 90), C91: float32(n + 91),
			C92: int64(n + 92), C93: float64(n + 93), C94: int32(n + 94), C95: float32(n + 95),
			C96: int64(n + 96), C97: float64(n + 97), C98: int32(n + 98), C99: float32(n + 99),
		}
	}
}
