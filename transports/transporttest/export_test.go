package transporttest

// Impatient makes goroutines that are left known after some seconds: for tests whose transport waits for nothing.
func Impatient() { patience = 5 }
