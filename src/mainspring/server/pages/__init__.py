"""The pages by which people sign in and out: small HTML, one style sheet, scripts from files alone."""
