"""The texts of the console in other languages; ``make translations`` renews them."""
