"""What each document says: view models in Chinese and English, and the files made from them."""
